//! Does anything listen there?

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::{Answer, Good, Wrong};

/// How many of a name's addresses are tried, all at once.
const MOST: usize = 8;

/// Tries every address, because some clients use one and some another. Returns the first
/// connection, in the resolver's order.
pub(crate) async fn connects(addresses: &[SocketAddr], patience: Duration) -> Answer<TcpStream> {
    let tried = addresses.iter().take(MOST).map(|address| connect(*address, patience));
    let tried = join_all(tried).await;
    let mut good = None;
    let mut bad = Vec::new();
    for (address, outcome) in addresses.iter().zip(tried) {
        match outcome {
            Ok(stream) => good = good.or(Some((address, stream))),
            Err(failure) => bad.push((address, failure)),
        }
    }
    let Some((address, stream)) = good else { return Err(none(&bad)) };
    let good = Good::new(stream, format!("{address} takes connections."));
    // That this machine has no IPv6 is not the server's fault.
    Ok(match bad.iter().find(|(_, failure)| *failure != Failure::NoRoute) {
        Some((address, failure)) => {
            let advice = "Some clients try that address first, and wait. Make the server listen \
                 on it, or remove it from the DNS.";
            good.but(&format!("But {}", failure.says(address)), advice)
        }
        None => good,
    })
}

async fn connect(address: SocketAddr, patience: Duration) -> Result<TcpStream, Failure> {
    let stream = timeout(patience, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| Failure::Silent)?.map_err(|error| Failure::of(&error))?;
    stream.set_nodelay(true).map_err(|error| Failure::of(&error))?;
    Ok(stream)
}

#[derive(Debug, PartialEq)]
enum Failure {
    Refused,
    Silent,
    NoRoute,
    Other(String),
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::TimedOut => Self::Silent,
            ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::AddrNotAvailable => Self::NoRoute,
            _ => Self::Other(error.to_string()),
        }
    }

    fn says(&self, address: &SocketAddr) -> String {
        match self {
            Self::Refused => format!("{address} refuses connections: nothing listens there."),
            Self::Silent => format!("{address} does not answer."),
            Self::NoRoute => format!("this machine has no route to {address}."),
            Self::Other(error) => format!("{address} cannot be reached: {error}."),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Refused => {
                "Start the server, and check its port and --listen: 127.0.0.1 serves this machine \
                 alone."
            }
            Self::Silent => {
                "A firewall or a security group drops the packets, or the address is another \
                 machine's. Open the port, and check the DNS record."
            }
            Self::NoRoute | Self::Other(_) => {
                "Check this machine's network, its VPN, and the DNS record."
            }
        }
    }
}

fn none(bad: &[(&SocketAddr, Failure)]) -> Wrong {
    let told = bad.iter().find(|(_, failure)| *failure != Failure::NoRoute);
    let all = bad.iter().map(|(address, failure)| capitalized(&failure.says(address)));
    let advice = told.or(bad.first()).map_or("", |(_, failure)| failure.advice());
    Wrong::new(all.collect::<Vec<_>>().join(" "), advice)
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
