//! The connections: few at a time, and none for long.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::answer::Answers;

/// Connections at a time: a browser opens six. More wait in the kernel's queue.
const CONNECTIONS: usize = 32;
/// How long a request may take to come.
const REQUEST: Duration = Duration::from_secs(10);
/// A connection is closed after this, so that nobody keeps others out: browsers open another one.
const CONNECTION: Duration = Duration::from_secs(60);
/// How long after its port was refused it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Serves until `ended` tells that nobody wants the page any more.
pub(super) async fn serve(address: SocketAddr, answers: Arc<Answers>, mut ended: watch::Receiver<()>) {
    tokio::select! {
        () = accept(address, answers) => {}
        _ = ended.changed() => {}
    }
}

async fn accept(address: SocketAddr, answers: Arc<Answers>) {
    let listener = listen(address).await;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    talk(stream, peer, answers).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "page: no connection was taken");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// Takes the port, however long another program has it.
async fn listen(address: SocketAddr) -> TcpListener {
    let mut told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                tracing::info!("page at http://{address}/");
                return listener;
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(%address, %error, "the page cannot be served there; look at page.listen. Trying again");
            }
            Err(_) => {}
        }
        sleep(RETRY).await;
    }
}

async fn talk(stream: TcpStream, peer: SocketAddr, answers: Arc<Answers>) {
    let service = service_fn(move |request| {
        let answers = Arc::clone(&answers);
        async move { Ok::<_, Infallible>(answers.answer(peer, &request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(REQUEST).max_buf_size(16 << 10);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = match timeout(CONNECTION, connection.as_mut()).await {
        Ok(ended) => ended,
        Err(_) => {
            // What is under way is finished.
            connection.as_mut().graceful_shutdown();
            timeout(REQUEST, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "page: a connection ended early");
    }
}
