//! The signals that ask the program to stop: by systemd, by a key, or because the terminal or the connection to it has gone.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use anyhow::{Context, Result};
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

/// Whether a signal asks to stop, by now.
pub fn to_stop(signals: &Receiver<()>) -> bool {
    !matches!(signals.try_recv(), Err(TryRecvError::Empty))
}

/// A channel that gets a word when a signal asks to stop, which wakes the calling thread.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn stop_signal() -> Result<Receiver<()>> {
    let (sender, receiver) = sync_channel(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (runtime, main) = (runtime.context("starting the signals' runtime")?, thread::current());
    let wait = move || {
        runtime.block_on(async {
            match StopSignals::listen() {
                Ok(mut signals) => signals.recv().await,
                Err(error) => tracing::error!(%error, "signals cannot be caught"),
            }
        });
        // The main thread has gone: so does this one.
        sender.send(()).ok();
        main.unpark();
    };
    thread::Builder::new().name("signals".into()).spawn(wait).context("starting the signals' thread")?;
    Ok(receiver)
}
