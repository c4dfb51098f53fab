//! What the program says to its operators, from warnings upwards, kept for the whole run of the suite.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::filter::LevelFilter;

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

fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        let page = Page::default();
        let writer = page.clone();
        let lines = tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_ansi(false);
        lines.with_writer(move || writer.clone()).init();
        page
    })
}

/// Begins to listen. Before that nothing is kept.
pub fn listen() {
    page();
}

/// The lines that hold these words.
pub fn lines_with(words: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&page().0.lock().unwrap()).into_owned();
    text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}
