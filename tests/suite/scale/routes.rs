//! The routes of a running program, as its router has them.

use std::collections::BTreeSet;
use std::net::TcpListener;

use actix_web::{HttpRequest, web};
use rekey::workflow::Context;
use reqwest::Method;

use crate::support::client::{Client, send};

/// The pattern of every resource: `/desk/tickets/{reference}`.
pub async fn patterns<F>(ctx: &Context, further: F) -> BTreeSet<String>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = Client::new(&format!("http://{}", listener.local_addr().unwrap()));
    let tell = |request: HttpRequest| async move { format!("{:?}", request.resource_map()) };
    let further = move |cfg: &mut web::ServiceConfig| {
        further(cfg);
        cfg.route("/routes", web::get().to(tell));
    };
    let server = rekey::http::run_with(ctx.clone(), listener, further).unwrap();
    let handle = server.handle();
    tokio::spawn(server);
    let map = http.get("/routes", "").await.text;
    drop(handle.stop(false));
    let found: BTreeSet<String> =
        map.split("Single(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    found.into_iter().filter(|path| path.starts_with('/') && path != "/routes").collect()
}

/// Whether somebody who goes there is shown, or led to, something: not where only forms are sent to.
pub async fn is_looked_at(http: &Client, pattern: &str) -> bool {
    let path = pattern.replace(['{', '}'], "");
    send(http.request(Method::GET, &path)).await.status != 405
}
