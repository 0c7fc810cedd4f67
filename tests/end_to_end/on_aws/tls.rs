//! A TLS proxy on loopback. Its handshakes are slow and are counted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ports::Clock;
use ports::clock::SystemClock;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate for localhost, and the file in which clients find it.
pub(crate) struct Certificate {
    acceptor: TlsAcceptor,
    pub(crate) file: PathBuf,
}

impl Certificate {
    pub(crate) fn new(directory: &Path) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let file = directory.join("localhost.pem");
        std::fs::write(&file, cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), file }
    }
}

/// A server behind TLS.
pub(crate) struct Secured {
    pub(crate) url: String,
    handshakes: Arc<AtomicUsize>,
}

impl Secured {
    /// Puts TLS in front of `address`. A handshake takes the time `slow`.
    pub(crate) async fn before(address: &str, certificate: &Certificate, slow: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let handshakes = Arc::new(AtomicUsize::new(0));
        let (acceptor, counter) = (certificate.acceptor.clone(), handshakes.clone());
        let address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counter, address) = (acceptor.clone(), counter.clone(), address.clone());
                tokio::spawn(async move {
                    SystemClock.sleep(slow).await;
                    let Ok(mut secured) = acceptor.accept(stream).await else { return };
                    counter.fetch_add(1, Ordering::SeqCst);
                    let Ok(mut plain) = TcpStream::connect(address).await else { return };
                    let _closed = tokio::io::copy_bidirectional(&mut secured, &mut plain).await;
                });
            }
        });
        Self { url, handshakes }
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}
