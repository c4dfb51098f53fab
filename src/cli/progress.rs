//! Progress on standard error, where somebody sits in front of it.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is drawn on terminals only.
pub(super) fn bar(unit: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let template = if unit == "bytes" {
        "{bar:40} {bytes}/{total_bytes} {elapsed} (about {eta} left)".to_owned()
    } else {
        format!("{{bar:40}} {{pos}}/{{len}} {unit} {{elapsed}}")
    };
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
