//! Columns over time as an inline SVG: geometry here, colours in the stylesheet, words around it in HTML so that they
//! keep their size on a phone.
//!
//! The rule: whole numbers on a ground of fixed height, which the page stretches; nothing in it needs a style of its own.

/// How high the ground is.
pub(super) const HEIGHT: i64 = 1000;
/// How wide one column and its gap are.
const STEP: i64 = 100;
const GAP: i64 = 16;
/// How wide a column is.
pub(super) const COLUMN: i64 = STEP - 2 * GAP;

/// A column: what it says, and its parts from the back to the front.
pub(super) struct Column {
    /// What the pointer is told.
    pub(super) says: String,
    /// Each part's foot, height and class.
    pub(super) parts: Vec<Part>,
    /// Where it begins.
    pub(super) x: i64,
}

/// A rectangle.
pub(super) struct Part {
    pub(super) y: i64,
    pub(super) height: i64,
    pub(super) class: &'static str,
}

/// A chart.
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The chart in a sentence.
    pub(super) sentence: String,
    /// What each class stands for.
    pub(super) legend: &'static [(&'static str, &'static str)],
    pub(super) columns: Vec<Column>,
    /// The value at the top, and half of it.
    pub(super) scale: (String, String),
}

impl Chart {
    /// How wide the ground is.
    pub(super) fn width(&self) -> i64 {
        i64::try_from(self.columns.len()).unwrap_or(0) * STEP
    }
}

/// A value and the class it is drawn with.
pub(super) type Value = (i64, &'static str);

/// Columns whose values stand upon one another.
pub(super) fn stacked(values: Vec<(String, Vec<Value>)>, top: i64) -> Vec<Column> {
    columns(values, |before, value| (before, before + value), top)
}

/// Columns whose values stand before one another, the highest first.
pub(super) fn layered(values: Vec<(String, Vec<Value>)>, top: i64) -> Vec<Column> {
    columns(values, |_, value| (0, value), top)
}

fn columns(
    values: Vec<(String, Vec<Value>)>,
    place: impl Fn(i64, i64) -> (i64, i64),
    top: i64,
) -> Vec<Column> {
    let scaled = |value: i64| value.saturating_mul(HEIGHT) / top.max(1);
    (0_i64..)
        .zip(values)
        .map(|(number, (says, values))| {
            let mut so_far = 0;
            let mut part = |(value, class): Value| {
                let (from, to) = place(so_far, value);
                so_far = to;
                let (from, to) = (scaled(from), scaled(to));
                Part { y: HEIGHT - to, height: to - from, class }
            };
            let parts = values.into_iter().filter(|(value, _)| *value > 0).map(&mut part).collect();
            Column { says, parts, x: number * STEP + GAP }
        })
        .collect()
}

/// The next round number, even so that its half is whole: 2, 4, 10, 20, 40, 100, …
pub(super) fn round_up(most: i64) -> i64 {
    let mut unit = 1_i64;
    loop {
        for top in [2, 4, 10].map(|digit| unit.saturating_mul(digit)) {
            if top >= most {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The next round time, in seconds.
pub(super) fn round_up_time(most: i64) -> i64 {
    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    let tops = [HOUR / 3, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY];
    let days = || round_up(most / DAY + 1).saturating_mul(DAY);
    tops.into_iter().find(|top| *top >= most).unwrap_or_else(days)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_top_is_round() {
        for (most, top) in [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (99, 100), (101, 200)] {
            assert_eq!(round_up(most), top);
        }
        for (most, top) in [(0, 1200), (1201, 3600), (90_000, 172_800), (345_601, 864_000)] {
            assert_eq!(round_up_time(most), top);
        }
    }

    proptest! {
        #[test]
        fn columns_stay_on_their_ground(values in prop::collection::vec((0_i64..1_000_000, 0_i64..1_000_000), 0..40)) {
            let most = values.iter().map(|(one, other)| one + other).max().unwrap_or(0);
            let top = round_up(most);
            let named = || values.iter().map(|(a, b)| (String::new(), vec![(*a, "a"), (*b, "b")])).collect();
            for column in stacked(named(), top).iter().chain(&layered(named(), top)) {
                let heights = column.parts.iter().map(|part| part.height).sum::<i64>();
                prop_assert!(heights <= 2 * HEIGHT);
                for part in &column.parts {
                    prop_assert!(part.y >= 0 && part.height >= 0 && part.y + part.height <= HEIGHT);
                }
            }
        }
    }
}
