//! What the program tells its operators: a log on standard error, and metrics.
//!
//! Neither ever holds a secret. So a panic is logged by its place, never its message, and libraries, which may
//! print what they were given, are heard from `info` upwards whatever the filter says.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{LogFormat, LogSettings};

/// Upper bounds of every histogram, in seconds: from a query to a mail server that hesitates.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter is none.
    #[error("log.level cannot be read")]
    Filter(#[from] ParseError),
    /// A log was set up before.
    #[error("the log was started twice")]
    Log(#[from] TryInitError),
    /// Metrics were set up before.
    #[error("the metrics could not be started")]
    Metrics(#[from] BuildError),
}

/// Starts the log, on standard error, and sees to it that panics land there. Once a process.
///
/// # Errors
/// A filter that cannot be read, or a second start.
pub fn start(settings: &LogSettings) -> Result<(), Error> {
    subscriber(settings, std::io::stderr, std::io::stderr().is_terminal())?.try_init()?;
    std::panic::set_hook(Box::new(report_panic));
    Ok(())
}

fn subscriber<W>(settings: &LogSettings, writer: W, is_coloured: bool) -> Result<impl Subscriber, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let lines = fmt::layer().with_writer(writer).with_ansi(is_coloured);
    let lines: Box<dyn Layer<_> + Send + Sync> = match settings.format {
        LogFormat::Text => Box::new(lines),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false)),
    };
    Ok(Registry::default().with(lines.with_filter(filter)).with(filter_fn(is_fit_to_log)))
}

/// Whether a line may be logged at all.
fn is_fit_to_log(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    is_ours || *metadata.level() <= Level::INFO
}

/// Logs where a panic happened. Its message may quote anything, and is left out.
fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(place, thread = thread.name(), "panicked");
    metrics::counter!("rekey_panics_total").increment(1);
}

/// The metrics of this process. Labels come from closed lists, never from input.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Begins to collect; before, and without, recording costs nothing. Once a process.
    ///
    /// # Errors
    /// A second start.
    pub fn start() -> Result<Self, Error> {
        Ok(Self(builder()?.install_recorder()?))
    }

    /// All metrics in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what was recorded, so that memory stays bounded when nobody asks. Every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets(&SECONDS)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::{Metrics, builder, report_panic, subscriber};
    use crate::config::{LogFormat, LogSettings};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat, act: impl FnOnce()) -> String {
        let page = Page::default();
        let settings = LogSettings { level: level.to_owned(), format };
        let writer = page.clone();
        let subscriber = subscriber(&settings, move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_of_json_holds_the_fields_of_the_event_and_its_span() {
        let line = logged("info", LogFormat::Json, || {
            let _span = tracing::info_span!("request", route = "/desk/tickets/{reference}").entered();
            tracing::info!(status = 200, "answered");
            tracing::debug!("left out");
        });
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["span"]["route"], "/desk/tickets/{reference}");
    }

    #[test]
    fn libraries_are_never_heard_below_info() {
        let lines = logged("trace", LogFormat::Text, || {
            tracing::debug!(target: "actix_http", "canary");
            tracing::trace!(target: "rekeyed", "canary");
            tracing::info!(target: "actix_server", "listening");
            tracing::trace!("ours");
        });
        assert!(lines.contains("listening") && lines.contains("ours"), "{lines}");
        assert!(!lines.contains("canary"), "{lines}");
    }

    #[test]
    fn control_sequences_are_inert() {
        let lines = logged("info", LogFormat::Text, || tracing::info!("red \u{1b}[31m"));
        assert!(!lines.contains('\u{1b}'), "{lines:?}");
    }

    #[test]
    fn a_panic_is_logged_by_its_place_alone() {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(report_panic));
        let line = logged("info", LogFormat::Json, || {
            std::panic::catch_unwind(|| panic!("canary")).unwrap_err();
        });
        std::panic::set_hook(former);
        assert!(line.contains("telemetry.rs:") && line.contains("panicked"), "{line}");
        assert!(!line.contains("canary"), "{line}");
    }

    #[test]
    fn histograms_are_rendered_with_buckets_in_seconds() {
        let recorder = builder().unwrap().build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("rekey_letters_total", "state" => "accepted").increment(2);
            metrics::histogram!("rekey_request_seconds").record(0.02);
        });
        metrics.upkeep();
        let text = metrics.render();
        assert!(text.contains("rekey_letters_total{state=\"accepted\"} 2"), "{text}");
        assert!(text.contains("rekey_request_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }
}
