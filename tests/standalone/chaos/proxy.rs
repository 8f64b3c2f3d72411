//! A bad network between clients and the server. What goes wrong, and when, follows from a seed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::dice::Dice;

/// The longest pause of a connection that stalls.
const STALL_MS: u64 = 250;
/// The most bytes between two faults of one connection.
const FAR: u64 = 40_000;

/// The bad network.
#[derive(Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    faults: Arc<Faults>,
}

/// How often it did what.
#[derive(Debug, Default)]
pub struct Faults {
    off: AtomicBool,
    pub resets: AtomicU64,
    pub ends: AtomicU64,
    pub one_sided: AtomicU64,
    pub stalls: AtomicU64,
    pub corrupted: AtomicU64,
}

/// What happens to a connection.
#[derive(Clone, Copy)]
enum Fault {
    /// Both sides see a reset.
    Reset,
    /// Both sides see an end.
    End,
    /// The client sees a reset. The server sees an end, but later.
    OneSided,
    /// Nothing moves for a moment.
    Stall,
    /// One byte is changed such that it is text no more.
    Corrupt,
}

impl Proxy {
    pub async fn to(server: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let faults = Arc::new(Faults::default());
        let shared = Arc::clone(&faults);
        tokio::spawn(async move {
            for nth in 0.. {
                let (client, _) = listener.accept().await.expect("a connection");
                let server = TcpStream::connect(server).await.expect("the server listens");
                let line = Line::new(client, server, Dice(seed * 10_000 + nth));
                tokio::spawn(line.carry(Arc::clone(&shared)));
            }
        });
        Self { address, faults }
    }

    /// From now on nothing goes wrong.
    pub fn calm_down(&self) {
        self.faults.off.store(true, Ordering::Release);
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Faults {
    /// How many connections were cut.
    pub fn cuts(&self) -> u64 {
        [&self.resets, &self.ends, &self.one_sided, &self.corrupted].map(count).iter().sum()
    }
}

pub fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// One connection through the proxy.
struct Line {
    client: TcpStream,
    server: TcpStream,
    dice: Dice,
    /// How many more bytes pass before something happens.
    left: u64,
    fault: Fault,
}

impl Line {
    fn new(client: TcpStream, server: TcpStream, mut dice: Dice) -> Self {
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("an option");
        }
        let (left, fault) = plan(&mut dice);
        Self { client, server, dice, left, fault }
    }

    async fn carry(mut self, faults: Arc<Faults>) {
        let (mut up, mut down) = ([0; 4096], [0; 4096]);
        loop {
            let (read, bytes, upwards) = tokio::select! {
                read = self.client.read(&mut up) => (read, &mut up, true),
                read = self.server.read(&mut down) => (read, &mut down, false),
            };
            let Ok(count @ 1..) = read else { return };
            let bytes = &mut bytes[..count];
            if self.is_due(count as u64) && !faults.off.load(Ordering::Acquire) {
                let fault = self.fault;
                (self.left, self.fault) = plan(&mut self.dice);
                match fault {
                    Fault::Stall => {
                        tally(&faults.stalls);
                        sleep(Duration::from_millis(1 + self.dice.below(STALL_MS))).await;
                    }
                    Fault::Corrupt => {
                        tally(&faults.corrupted);
                        bytes[self.dice.below(count as u64) as usize] ^= 0x80;
                        // Checksums would end a real connection as well: nothing follows.
                        let to = if upwards { &mut self.server } else { &mut self.client };
                        let _ = to.write_all(bytes).await;
                        return;
                    }
                    Fault::Reset => {
                        tally(&faults.resets);
                        return self.reset();
                    }
                    Fault::End => {
                        tally(&faults.ends);
                        return;
                    }
                    Fault::OneSided => {
                        tally(&faults.one_sided);
                        reset(&self.client);
                        drop(self.client);
                        return sleep(Duration::from_millis(self.dice.below(STALL_MS))).await;
                    }
                }
            }
            let to = if upwards { &mut self.server } else { &mut self.client };
            if to.write_all(bytes).await.is_err() {
                return;
            }
        }
    }

    fn is_due(&mut self, bytes: u64) -> bool {
        self.left = self.left.saturating_sub(bytes);
        self.left == 0
    }

    fn reset(self) {
        reset(&self.client);
        reset(&self.server);
    }
}

fn plan(dice: &mut Dice) -> (u64, Fault) {
    // Sometimes at once: the handshake, the join or its answer is lost.
    let left = if dice.below(3) == 0 { dice.below(1500) } else { dice.below(FAR) };
    let fault = match dice.below(7) {
        0 => Fault::Reset,
        1 => Fault::End,
        2 => Fault::OneSided,
        3 => Fault::Corrupt,
        _ => Fault::Stall,
    };
    (left, fault)
}

/// Dropped after this, it sends RST in place of FIN.
fn reset(stream: &TcpStream) {
    // If the other side has reset it already, there is nothing left to do.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

fn tally(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
