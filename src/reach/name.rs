//! Does the host's name resolve?

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::answer::{Answer, Good, Wrong};
use super::target::Target;

/// Looks the name up with this machine's resolver, as a browser does.
pub(crate) async fn resolves(target: &Target, patience: Duration) -> Answer<Vec<SocketAddr>> {
    let Target { host, port, .. } = target;
    if let Ok(ip) = host.parse::<IpAddr>() {
        let says = format!("{host} is an address, so there is no name to look up.");
        return Ok(Good::new(vec![SocketAddr::new(ip, *port)], says));
    }
    let found = timeout(patience, lookup_host((host.as_str(), *port))).await;
    let found = found.map_err(|_| silent(host))?.map_err(|error| unknown(host, &error))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(unknown(host, &io::ErrorKind::NotFound.into()));
    }
    let list: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let says = format!("{host} resolves to {}.", list.join(", "));
    Ok(Good::new(addresses, says).with("addresses", list))
}

fn unknown(host: &str, error: &io::Error) -> Wrong {
    Wrong::new(
        format!("The name {host} does not resolve: {error}."),
        "Check its spelling. If the name is new, add an A or AAAA record for it, and wait until \
         the old answer has expired from caches.",
    )
}

fn silent(host: &str) -> Wrong {
    Wrong::new(
        format!("No DNS server answered the question for {host}."),
        "Check this machine's network and its DNS servers (/etc/resolv.conf).",
    )
}
