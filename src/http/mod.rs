//! Everything that speaks HTTP: the route table, and the server that serves it.
//!
//! A handler authenticates, reads, calls one workflow and writes its answer; errors become answers in `problem` and
//! nowhere else.

pub mod account;
pub mod api;
pub mod auth;
pub mod body;
pub mod desk;
pub mod headers;
pub mod pages;
pub mod portal;
pub mod problem;
pub mod throttle;
mod trace;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, FromRequest, Handler, HttpResponse, HttpServer, Resource, Responder, Route};

use crate::telemetry::Metrics;
use crate::workflow::Context;
use problem::{Answer, Problem};
use throttle::Throttle;

/// How long the headers of a request may take to arrive.
const HEADERS: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests may go on after the program was told to stop, in seconds.
const SHUTDOWN: u64 = 10;

/// Every route there is.
pub fn routes(cfg: &mut ServiceConfig) {
    api::routes(cfg);
    account::routes(cfg);
    portal::routes(cfg);
    desk::routes(cfg);
    cfg.service(page("/assets/{file}", pages::assets::get));
    cfg.default_service(web::to(|| async { Err::<HttpResponse, _>(Problem::not_found()) }));
}

/// A resource that names its methods when it is asked with another.
#[must_use]
pub fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path)
        .default_service(web::to(move || async move { Err::<HttpResponse, _>(Problem::method(allow)) }))
}

/// A page that is only looked at.
#[must_use]
pub fn page<F, A>(path: &str, show: F) -> Resource
where
    F: Handler<A, Output = Answer>,
    A: FromRequest + 'static,
{
    resource(path, "GET, HEAD").route(shown(web::get(), show.clone())).route(shown(web::head(), show))
}

/// What is looked at by programs: GET, and HEAD wherever it is.
#[must_use]
pub fn looked_at<F, A>(path: &str, allow: &'static str, show: F) -> Resource
where
    F: Handler<A>,
    F::Output: Responder + 'static,
    A: FromRequest + 'static,
{
    resource(path, allow).route(web::get().to(show.clone())).route(web::head().to(show))
}

/// A page with a form that is sent to the page's own address.
#[must_use]
pub fn form<F, A, G, B>(path: &str, show: F, send: G) -> Resource
where
    F: Handler<A, Output = Answer>,
    A: FromRequest + 'static,
    G: Handler<B, Output = Answer>,
    B: FromRequest + 'static,
{
    resource(path, "GET, HEAD, POST")
        .route(shown(web::get(), show.clone()))
        .route(shown(web::head(), show))
        .route(web::post().to(send))
}

/// What is looked at is compressed; what answers a form may carry secrets, whose length would tell, and is not.
fn shown<F, A>(route: Route, show: F) -> Route
where
    F: Handler<A, Output = Answer>,
    A: FromRequest + 'static,
{
    route.to(show).wrap(Compress::default())
}

/// Starts to serve where the configuration says. The server stops when its handle says so; signals are the caller's.
///
/// # Errors
/// The address cannot be had.
pub fn run(ctx: Context) -> io::Result<Server> {
    let listener = TcpListener::bind(ctx.config.http.listen)?;
    run_on(ctx, listener)
}

/// Starts to serve on a listener that is there already.
///
/// # Errors
/// The listener cannot be used.
pub fn run_on(ctx: Context, listener: TcpListener) -> io::Result<Server> {
    run_with(ctx, listener, |_| {})
}

/// The same with further routes, which stand before those of the product.
///
/// # Errors
/// The listener cannot be used.
pub fn run_with<F>(ctx: Context, listener: TcpListener, further: F) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let workers = ctx.config.http.workers;
    let ctx = Data::new(ctx);
    let throttle = Data::from(Arc::new(Throttle::default()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(ctx.clone())
            .app_data(throttle.clone())
            .configure(further.clone())
            .configure(routes)
            // A `/` at the end of an address means the same page: people and probes write it.
            .wrap(NormalizePath::trim())
            .wrap(from_fn(pages::once::lead_on))
            .wrap(from_fn(headers::add))
            .wrap(from_fn(trace::follow))
    })
    .client_request_timeout(HEADERS)
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(SHUTDOWN)
    .disable_signals();
    let server = match workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    Ok(server.listen(listener)?.run())
}

/// Starts to serve `/metrics`, on a listener of its own so that it need not face the world.
///
/// # Errors
/// The address cannot be had.
pub fn run_metrics(address: SocketAddr, metrics: Metrics) -> io::Result<Server> {
    let metrics = Data::new(metrics);
    let server = HttpServer::new(move || {
        let render = |metrics: Data<Metrics>| async move {
            HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render())
        };
        App::new()
            .app_data(metrics.clone())
            .service(looked_at("/metrics", "GET, HEAD", render))
            .wrap(from_fn(headers::add))
    });
    let server = server.workers(1).client_request_timeout(HEADERS).shutdown_timeout(SHUTDOWN);
    Ok(server.disable_signals().bind(address)?.run())
}
