//! The servers to measure.

use std::path::PathBuf;

use super::Flags;
use super::certificate::Certificate;
use super::child::{self, Process, Server};
use super::client::{Dialect, Target};
use super::idle::Crowded;
use super::others;

/// A server to measure.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) target: Target,
    pub(super) process: Process,
    cert: Option<PathBuf>,
    /// Stopped with it, if it was started here.
    _server: Option<Server>,
}

/// How the servers are started.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) flags: &'a Flags,
    /// A list such as `0` or `0,1`.
    pub(super) cores: Option<&'a str>,
    /// For TLS.
    pub(super) certificate: Option<&'a Certificate>,
}

impl Subject {
    pub(super) fn crowded(&self) -> Crowded<'_> {
        Crowded { target: &self.target, process: self.process, cert: self.cert.clone() }
    }
}

/// Both servers, or the one that is already running alone.
pub(super) fn subjects(how: How<'_>) -> anyhow::Result<Vec<Subject>> {
    match how.flags.url {
        Some(_) => Ok(vec![visio(how)?]),
        None => Ok(vec![visio(how)?, blind(how)?]),
    }
}

/// A fresh server of ours, without limits, because all load comes from one machine; or the one that
/// is already running.
pub(super) fn visio(how: How<'_>) -> anyhow::Result<Subject> {
    if let (Some(url), Some(pid)) = (&how.flags.url, how.flags.pid) {
        let target = Target { url: url.clone(), dialect: Dialect::Visio, tls: None };
        let process = Process(pid);
        return Ok(Subject { name: "visio", target, process, cert: None, _server: None });
    }
    let (visio, _) = child::programs()?;
    let mut args = vec!["--listen", "127.0.0.1:0", "--message-rate", "0", "--byte-rate", "0"];
    args.extend(["--max-connections-per-ip", "0", "--connection-rate", "0"]);
    args.extend(how.certificate.iter().flat_map(|it| it.flags()));
    subject("visio", Dialect::Visio, Server::start(&visio, &args, how.cores)?, how.certificate)
}

/// A fresh blind relay.
pub(super) fn blind(how: How<'_>) -> anyhow::Result<Subject> {
    let (_, blind) = child::programs()?;
    let args = how.certificate.map(|it| ["--tls", &it.cert, &it.key]);
    let args = args.as_ref().map_or(&[][..], |args| &args[..]);
    subject("blind", Dialect::Blind, Server::start(&blind, args, how.cores)?, how.certificate)
}

fn subject(
    name: &'static str,
    dialect: Dialect,
    server: Server,
    certificate: Option<&Certificate>,
) -> anyhow::Result<Subject> {
    let tls = certificate.map(Certificate::connector).transpose()?;
    let target = Target { url: server.url.clone(), dialect, tls };
    let cert = certificate.map(|it| PathBuf::from(&it.cert));
    Ok(Subject { name, target, process: server.process(), cert, _server: Some(server) })
}

/// Fresh servers of others, those that are installed.
pub(super) fn other_subjects(cores: Option<&str>) -> anyhow::Result<Vec<Subject>> {
    let started = others::installed()?.into_iter().map(|other| {
        let others::Other { name, dialect, program, port, args, url } = other;
        let server = Server::start_on(port, &program, &args, cores)?;
        let target = Target { url, dialect, tls: None };
        let process = server.process();
        Ok(Subject { name, target, process, cert: None, _server: Some(server) })
    });
    started.collect()
}
