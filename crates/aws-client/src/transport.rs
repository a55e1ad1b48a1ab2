//! HTTP as the SDK needs it: a connector without TLS for http, one with TLS and CA roots for https, each made when the
//! first request needs it. Reading 146 certificates takes longer than all else at the start of a process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::config::{self, Proxy};

/// How long a connection to the address of instance metadata may take.
const METADATA_CONNECT: Duration = Duration::from_secs(1);

/// The connectors of one client. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Transport(Arc<Connectors>);

/// What connectors are made from.
pub(crate) struct Plan {
    pub(crate) connect_timeout: Duration,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) no_proxy: Option<String>,
    pub(crate) allows_insecure_endpoint: bool,
}

struct Connectors {
    plan: Plan,
    plain: OnceLock<Connector>,
    secure: OnceLock<Result<Connector, Unusable>>,
    /// To addresses of instance metadata, past any proxy.
    metadata: OnceLock<Connector>,
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may have a password in it.
        f.write_str("Connectors")
    }
}

/// Why the configuration keeps a request from being sent.
#[derive(Clone, Debug)]
pub(crate) struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Transport {
    pub(crate) fn new(plan: Plan) -> Self {
        Self(Arc::new(Connectors {
            plan,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
            metadata: OnceLock::new(),
        }))
    }

    fn connector(&self, url: &str) -> Result<&Connector, Unusable> {
        let Connectors { plan, plain, secure, metadata } = &*self.0;
        config::check_endpoint(url, plan.allows_insecure_endpoint).map_err(Unusable)?;
        match url.strip_prefix("http://") {
            None => secure.get_or_init(|| plan.secure()).as_ref().map_err(Clone::clone),
            Some(rest) if config::is_metadata(config::host(rest)) => {
                Ok(metadata.get_or_init(|| builder(METADATA_CONNECT).build_http()))
            }
            Some(_) => Ok(plain.get_or_init(|| plan.builder().build_http())),
        }
    }
}

fn builder(connect_timeout: Duration) -> ConnectorBuilder {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout).build();
    Connector::builder().connector_settings(settings)
}

impl Plan {
    fn builder(&self) -> ConnectorBuilder {
        let proxy = match &self.proxy {
            None => ProxyConfig::from_env(),
            Some(Proxy { host, port }) => match ProxyConfig::all(format!("http://{host}:{port}")) {
                Ok(proxy) => match &self.no_proxy {
                    Some(rules) => proxy.no_proxy(rules),
                    None => proxy,
                },
                // Refused when the client was made.
                Err(_) => ProxyConfig::disabled(),
            },
        };
        builder(self.connect_timeout).proxy_config(proxy)
    }

    fn secure(&self) -> Result<Connector, Unusable> {
        let roots = match &self.ca_bundle {
            Some(path) => TrustStore::empty().with_pem_certificate(certificates(path)?),
            None => TrustStore::default(),
        };
        let context = TlsContext::builder().with_trust_store(roots).build();
        let context = context.map_err(|error| Unusable(format!("TLS: {error}")))?;
        let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        Ok(self.builder().tls_provider(provider).tls_context(context).build())
    }
}

/// The bundle's bytes, if there is a certificate in them: the SDK panics otherwise.
fn certificates(path: &Path) -> Result<Vec<u8>, Unusable> {
    let unusable = |why: &str| Unusable(format!("the CA bundle {}: {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| unusable(&error.to_string()))?;
    let text = String::from_utf8_lossy(&bytes);
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(unusable("it has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"));
    }
    Ok(bytes)
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let connector = match self.connector(request.uri()) {
            Ok(connector) => connector,
            Err(unusable) => return HttpConnectorFuture::ready(Err(ConnectorError::user(unusable.into()))),
        };
        if let Some(watch) = request.extension::<Watch>().cloned() {
            let connection = request.extension::<CaptureSmithyConnection>().cloned().unwrap_or_default();
            request.add_extension(connection.clone());
            watch.dispatched(request.uri(), connection);
        }
        connector.call(request)
    }
}

/// How far one attempt of a call has come. A clone is the same.
///
/// The SDK's errors do not say: it reports a refused connection and one that was closed after the request by the same
/// variant, and a time-out says nothing at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Arc<Mutex<Option<Dispatched>>>);

#[derive(Debug)]
struct Dispatched {
    endpoint: String,
    connection: CaptureSmithyConnection,
}

/// How far an attempt has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// No request was made: credentials or endpoint are missing.
    Nowhere,
    /// There was a request, but no connection to send it over.
    Endpoint(String),
    /// There was a connection: the request may have been read.
    Connected,
}

impl Watch {
    fn dispatched(&self, url: &str, connection: CaptureSmithyConnection) {
        let end = url.find("://").map_or(0, |at| at + 3);
        let path = url.get(end..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| end + at);
        let endpoint = url.get(..path).unwrap_or_default().to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Dispatched { endpoint, connection });
    }

    /// How far it has come by now.
    pub(crate) fn reach(&self) -> Reach {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Reach::Nowhere,
            // hyper tells of a connection before it writes to it, and never of one that was not made.
            Some(Dispatched { connection, .. }) if connection.get().is_some() => Reach::Connected,
            Some(Dispatched { endpoint, .. }) => Reach::Endpoint(endpoint.clone()),
        }
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().add_extension(self.clone());
        Ok(())
    }
}
