//! Whom we trust: the authorities of the system, and a file of further ones.
//!
//! The one rule: certificate and host name are verified, always; there is no switch to turn that off.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::settings::MailError;

pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, MailError> {
    let mut roots = RootCertStore::empty();
    // One unreadable certificate of the system is no reason to trust none of the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = ca_file {
        let certificates = CertificateDer::pem_file_iter(file).map_err(|_| MailError::CaFile)?;
        let before = roots.len();
        for certificate in certificates {
            roots.add(certificate.map_err(|_| MailError::CaFile)?).map_err(|_| MailError::CaFile)?;
        }
        if roots.len() == before {
            return Err(MailError::CaFile);
        }
    }
    if roots.is_empty() {
        return Err(MailError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| MailError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
