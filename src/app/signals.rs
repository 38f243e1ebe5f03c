//! The signals that ask the program to stop: by systemd, by a key, or because the terminal or the connection to it has gone.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGINT, SIGHUP and SIGQUIT. None of them may end the program by itself: outputs would stay as they are.
pub struct StopSignals([Signal; 4]);

impl StopSignals {
    /// Catches them from now on; within a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        let [term, int, hangup, quit] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()].map(signal);
        Ok(Self([term?, int?, hangup?, quit?]))
    }

    /// Waits for one.
    pub async fn recv(&mut self) {
        let [term, int, hangup, quit] = &mut self.0;
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
    }
}
