//! The network fails, pages die and the server is restarted, from a seed. Nothing is lost in
//! silence: a message arrives once and in order, or its sender is told.

mod deaf;
mod dice;
mod ledger;
mod page;
mod proxy;
mod restart;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::ledger::Sum;
use self::page::Page;
use self::proxy::{Proxy, count};
use super::Program;
use crate::conformance::Runtime;
use crate::conformance::client::PATIENCE;

const VISITS: u64 = 8;
const MESSAGES: u64 = 150;
const SEEDS: u64 = 3;
/// How often a page speaks.
const PACE: Duration = Duration::from_millis(5);
/// One in this many turns, a page is closed without a word.
const DEATHS: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_lost_in_silence_while_connections_are_cut() {
    for seed in 0..SEEDS {
        let limits = ["--message-rate", "0", "--byte-rate", "0", "--max-connections-per-ip", "0"];
        let args = [&["--listen", "127.0.0.1:0", "--grace-seconds", "20"], &limits[..]].concat();
        let program = Program::start(&args, &[]).await;
        let proxy = Proxy::to(program.http_address().parse().unwrap(), seed).await;
        let storm = Arc::new(Storm { proxy, talking: AtomicUsize::new(2 * VISITS as usize) });
        let visits = (0..VISITS).map(|nth| tokio::spawn(visit(Arc::clone(&storm), seed, nth)));
        let visits = join_all(visits).await;
        let pages: Vec<_> = visits.into_iter().flat_map(|pages| pages.unwrap()).collect();
        judge(seed, &storm.proxy, &pages);
    }
}

/// The network, and how many pages still have something to say. When none has, it calms down.
struct Storm {
    proxy: Proxy,
    talking: AtomicUsize,
}

async fn visit(storm: Arc<Storm>, seed: u64, nth: u64) -> [Page; 2] {
    let room = format!("visit-{nth}");
    let dice = seed * 1000 + nth * 2;
    let door = storm.proxy.address;
    let mut ada = Page::new(door, &room, ["ada", "bob"], dice);
    let mut bob = Page::new(door, &room, ["bob", "ada"], dice + 1);
    (bob.hears, bob.says) = (Arc::clone(&ada.says), Arc::clone(&ada.hears));
    let both = async { tokio::join!(live(&mut ada, &storm), live(&mut bob, &storm)) };
    if timeout(PATIENCE, both).await.is_err() {
        let (says, hears) = (ada.says.lock().unwrap(), ada.hears.lock().unwrap());
        panic!("seed {seed}, {room}: never complete: {says:?} {hears:?}");
    }
    [ada, bob]
}

/// Says all that it has to say, whatever happens; then stays until both have heard each other out.
async fn live(page: &mut Page, storm: &Storm) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut left, mut turn) = (MESSAGES, 0_u64);
    while left > 0 || !is_over(page) {
        page.come_back().await;
        tokio::select! {
            _ = pace.tick() => {
                turn += 1;
                page.mind_silence().await;
                page.say_again_what_was_refused().await;
                if page.owes() {
                    continue;
                }
                if left > 0 {
                    page.say().await;
                    left -= 1;
                    if left == 0 && storm.talking.fetch_sub(1, Ordering::AcqRel) == 1 {
                        storm.proxy.calm_down();
                    }
                    if page.dice.below(DEATHS) == 0 {
                        page.kill();
                    }
                } else if turn % 8 == 0 && storm.talking.load(Ordering::Acquire) == 0 {
                    page.fence().await;
                }
            }
            () = page.hear() => {}
        }
    }
}

fn is_over(page: &Page) -> bool {
    page.says().is_complete() && page.hears.lock().unwrap().is_complete()
}

fn judge(seed: u64, proxy: &Proxy, pages: &[Page]) {
    let mut sum = Sum::default();
    pages.iter().for_each(|page| page.says().add_to(&mut sum));
    let total = |figure: fn(&Page) -> u64| pages.iter().map(figure).sum::<u64>();
    let resumed = total(|page| page.story.resumed);
    let faults = proxy.faults();
    eprintln!(
        "seed {seed}: {VISITS} visits, {} signals sent, {} delivered, {} refused with a word, \
         {} dropped with a word, resumed {resumed}, resumed: false {}, killed {}, \
         lost in silence {}",
        sum.said,
        sum.delivered,
        sum.refused,
        sum.told,
        total(|page| page.story.not_resumed),
        total(|page| page.story.killed),
        sum.lost_in_silence
    );
    eprintln!("        {faults:?}");
    let ended: Vec<_> = pages.iter().flat_map(|page| &page.story.ended).collect();
    assert_eq!(ended, [""; 0], "errors that nobody expects");
    let ledgers: Vec<_> = pages.iter().map(|page| page.says().clone()).collect();
    let lossy = ledgers.iter().filter(|ledger| ledger.lost() > 0);
    assert_eq!(sum.lost_in_silence, 0, "{:?}", lossy.collect::<Vec<_>>());
    assert!(faults.cuts() > 20 && count(&faults.stalls) > 0 && resumed > 20, "a calm network");
    assert!(sum.delivered * 2 > sum.said, "most messages should arrive");
}
