//! What a station depends on and cannot help: a broker that goes away, a disk that refuses. Both come back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock::{Clock, SystemClock, wait_for};
use crate::units::Timestamp;

/// A wire to the broker that can be cut: a port of this machine that passes everything on.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Where clients connect.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    cut_until: Timestamp,
    /// Both ends of each connection.
    ends: Vec<TcpStream>,
}

impl Wire {
    /// A wire to `broker`; its threads end with the process.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(broker: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening a port for the wire")?;
        let wire = Self { address: listener.local_addr()?, state: Arc::default() };
        let passed = wire.clone();
        thread::Builder::new()
            .name("wire".into())
            .spawn(move || {
                for client in listener.incoming().flatten() {
                    // A connection that cannot be passed on ends: the client tries again.
                    drop(passed.connect(client, broker));
                }
            })
            .context("starting the wire's thread")?;
        Ok(wire)
    }

    /// Cuts every connection, and lets none in for so long.
    pub fn cut(&self, away: Duration) {
        let mut state = self.lock();
        state.cut_until = SystemClock.now() + away;
        for end in state.ends.drain(..) {
            // It may have ended by itself.
            end.shutdown(Shutdown::Both).ok();
        }
    }

    fn connect(&self, client: TcpStream, broker: SocketAddr) -> Result<()> {
        let server = TcpStream::connect(broker)?;
        // Held until both ends are noted: a cut meanwhile would pass by a connection that already carries bytes.
        let mut state = self.lock();
        if SystemClock.now() < state.cut_until {
            return Ok(());
        }
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone()?, to.try_clone()?);
            to.set_nodelay(true)?;
            thread::Builder::new().name("wire".into()).spawn(move || pass(from, to))?;
        }
        state.ends.extend([client, server]);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes bytes on until one end is gone, and lets the other know.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16_384];
    while let Ok(n @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..n]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
    from.shutdown(Shutdown::Both).ok();
}

/// Lets nothing be committed to a database for so long, as a disk that stalls: another holds its lock.
///
/// # Errors
/// When the database cannot be opened, or the lock is not to be had.
pub fn refuse_writes(database: &Path, away: Duration) -> Result<()> {
    let holder = rusqlite::Connection::open(database).with_context(|| format!("opening {}", database.display()))?;
    holder.busy_timeout(Duration::from_secs(5))?;
    holder.execute_batch("BEGIN IMMEDIATE").context("taking the database's lock")?;
    thread::Builder::new()
        .name("outage".into())
        .spawn(move || {
            wait_for(away);
            // Closing would do it as well.
            holder.execute_batch("ROLLBACK").ok();
        })
        .context("starting the outage's thread")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_wire_ends_connections_and_takes_none_until_it_is_mended() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let broker = echo.local_addr().unwrap();
        thread::spawn(move || {
            for client in echo.incoming().flatten() {
                let back = client.try_clone().unwrap();
                thread::spawn(move || pass(client, back));
            }
        });
        let wire = Wire::to(broker).unwrap();
        let talk = || -> std::io::Result<[u8; 2]> {
            let mut client = TcpStream::connect(wire.address)?;
            let mut answer = [0; 2];
            client.write_all(b"hi")?;
            client.read_exact(&mut answer)?;
            Ok(answer)
        };
        assert_eq!(&talk().unwrap(), b"hi");
        let mut open = TcpStream::connect(wire.address).unwrap();
        open.write_all(b"hi").unwrap();
        open.read_exact(&mut [0; 2]).unwrap();
        wire.cut(Duration::from_millis(300));
        assert!(matches!(open.read(&mut [0; 2]), Ok(0) | Err(_)), "an open connection ends");
        assert!(talk().is_err(), "no new one is let in");
        wait_for(Duration::from_millis(400));
        assert_eq!(&talk().unwrap(), b"hi");
    }
}
