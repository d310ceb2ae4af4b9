//! Certificates made for one test, and a server that speaks TLS before whatever plain server stands behind it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::background::Background;

/// A certificate with those between it and its authority, and its key, as PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The certificate, and those above it.
    pub chain: String,
    /// Its key.
    pub key: String,
}

/// For how long a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub enum Validity {
    /// It was, until the first day of 2024.
    Past,
    /// It is.
    Present,
    /// It is for two more days.
    Soon,
    /// It will be, from the first day of 2090 on.
    Future,
}

/// An authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between this one and the root, this one included; none for a root.
    above: String,
}

impl Authority {
    /// A root of this name.
    pub fn root(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap();
        Self { issuer, above: String::new() }
    }

    /// An authority beneath this one.
    pub fn beneath(&self, name: &str) -> Self {
        let issuer = CertifiedIssuer::signed_by(authority(name), KeyPair::generate().unwrap(), &self.issuer).unwrap();
        let above = issuer.pem() + &self.above;
        Self { issuer, above }
    }

    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for these names.
    pub fn issue(&self, names: &[&str], validity: Validity, usage: ExtendedKeyUsagePurpose) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf(names, validity, usage).signed_by(&key, &self.issuer).unwrap();
        Pair { chain: certificate.pem() + &self.above, key: key.serialize_pem() }
    }

    /// A certificate for a server of these names.
    pub fn server(&self, names: &[&str], validity: Validity) -> Pair {
        self.issue(names, validity, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client.
    pub fn client(&self, validity: Validity) -> Pair {
        self.issue(&["quarterdeck.test"], validity, ExtendedKeyUsagePurpose::ClientAuth)
    }
}

impl Pair {
    /// One that nobody but itself vouches for.
    pub fn self_signed(names: &[&str]) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = leaf(names, Validity::Present, ExtendedKeyUsagePurpose::ServerAuth);
        Self { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    /// The certificate alone.
    #[must_use]
    pub fn without_chain(mut self) -> Self {
        let end = "-----END CERTIFICATE-----";
        let first = self.chain.find(end).unwrap() + end.len();
        self.chain.truncate(first);
        self
    }

    /// Writes both into a folder, the key for its owner alone; their names.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        use std::os::unix::fs::PermissionsExt as _;
        let (chain, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&chain, &self.chain).unwrap();
        std::fs::write(&key, &self.key).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        (chain, key)
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn leaf(names: &[&str], validity: Validity, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages.push(usage);
    (params.not_before, params.not_after) = match validity {
        Validity::Past => (date_time_ymd(2020, 1, 1), date_time_ymd(2024, 1, 1)),
        Validity::Present => (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1)),
        Validity::Soon => {
            let at = std::time::SystemTime::now() + std::time::Duration::from_secs(48 * 3_600);
            (date_time_ymd(2020, 1, 1), at.into())
        }
        Validity::Future => (date_time_ymd(2090, 1, 1), date_time_ymd(2100, 1, 1)),
    };
    params
}

/// Speaks TLS, and hands what it hears to a plain server.
pub struct TlsFront {
    address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    _server: Background,
}

impl TlsFront {
    /// Before the plain server at `behind` (`http://127.0.0.1:…`). With `clients` it wants a certificate that this
    /// authority has issued.
    pub fn start(
        pair: &Pair,
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
        behind: &str,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions);
        let builder = builder.unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
        let behind = behind.trim_start_matches("http://").to_owned();
        let handshakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&handshakes);
        let (address, server) = listen(move |stream| {
            let (acceptor, behind, counted) = (acceptor.clone(), behind.clone(), Arc::clone(&counted));
            async move {
                let mut secured = match acceptor.accept(stream).into_fallible().await {
                    Ok(secured) => secured,
                    Err((_, mut stream)) => {
                        // What was sent is read to its end, or closing would take the alert back.
                        let _ = stream.shutdown().await;
                        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                        return;
                    }
                };
                counted.fetch_add(1, Ordering::SeqCst);
                let mut plain = TcpStream::connect(&behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut secured, &mut plain).await;
            }
        });
        Self { address, handshakes, _server: server }
    }

    /// Where it listens, by the name `localhost`.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Where it listens, by its number.
    pub fn numbered_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many clients it has come to terms with.
    pub fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}

/// A server that answers the first bytes of a connection with these, and reads on; nothing where there are none.
pub struct Mute {
    address: SocketAddr,
    _server: Background,
}

impl Mute {
    /// With these bytes.
    pub fn start(bytes: &'static [u8]) -> Self {
        let (address, server) = listen(move |mut stream| async move {
            if !bytes.is_empty() {
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
            }
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        });
        Self { address, _server: server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

/// Serves each connection on a thread of its own, on a free port.
fn listen<F, Fut>(serve: F) -> (SocketAddr, Background)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Background::run(move || async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    (address, server)
}
