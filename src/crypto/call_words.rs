//! Two words for a call: the agent says them first, so that the person, who sees them on the page of their request, knows
//! who calls.
//!
//! The rule to keep: they are made of the request under a key, so that nobody who knows the list can say them; they
//! prove nothing about the person, and no policy counts them.

use super::derive::{mac, parts};
use super::{Crypto, Purpose};

impl Crypto {
    /// The two words of a request, such as `amber kettle`: the same over all rotations, for a page that was opened
    /// before one must still show what the agent says after it.
    #[must_use]
    pub fn call_words(&self, request: &str) -> String {
        let key = &self.ring().audit.secret;
        let digest = mac(key, &["index", Purpose::CallWords.as_str()], &parts(&[request]));
        let words = digest.iter().take(2).filter_map(|byte| WORDS.get(usize::from(*byte)).copied());
        words.collect::<Vec<_>>().join(" ")
    }
}

/// Short words that are hard to mistake for each other on a telephone.
const WORDS: [&str; 256] = [
    "acorn", "almond", "amber", "anchor", "apple", "apron", "arrow", "autumn", "badge", "badger", "bagel",
    "balcony", "bamboo", "banana", "barrel", "basket", "beach", "beaver", "berry", "bicycle", "biscuit",
    "blanket", "blossom", "bottle", "breeze", "brick", "bridge", "broom", "bucket", "butter", "button",
    "cabbage", "cabin", "cactus", "camel", "candle", "canoe", "canyon", "carpet", "carrot", "castle",
    "cedar", "cello", "chalk", "cherry", "chestnut", "chimney", "cinema", "cinnamon", "circle", "citrus",
    "clover", "cobalt", "coconut", "comet", "compass", "copper", "coral", "cottage", "cotton", "cradle",
    "crayon", "cricket", "crocus", "crystal", "curtain", "cushion", "daisy", "dancer", "desert", "diamond",
    "dolphin", "donkey", "dragon", "drawer", "drum", "eagle", "easel", "ember", "emerald", "engine",
    "envelope", "falcon", "feather", "fern", "fiddle", "filter", "flamingo", "flute", "forest", "fossil",
    "fountain", "freckle", "galaxy", "garden", "garlic", "gazelle", "ginger", "giraffe", "glacier", "goblet",
    "gondola", "granite", "grape", "guitar", "hammer", "hammock", "harbour", "harvest", "hazel", "hedgehog",
    "helmet", "heron", "honey", "horizon", "iceberg", "igloo", "indigo", "island", "ivory", "jacket",
    "jaguar", "jasmine", "jersey", "jigsaw", "jungle", "juniper", "kettle", "kitten", "koala", "ladder",
    "lagoon", "lantern", "lavender", "lemon", "lemonade", "lettuce", "library", "lilac", "lizard", "lobster",
    "locket", "magnet", "mango", "maple", "marble", "market", "meadow", "melon", "meteor", "mirror",
    "mitten", "monkey", "morning", "mountain", "muffin", "mustard", "napkin", "needle", "noodle", "nutmeg",
    "oasis", "ocean", "olive", "onion", "orange", "orchard", "orchid", "otter", "oyster", "paddle", "panda",
    "panther", "parcel", "parrot", "pastry", "peanut", "pearl", "pebble", "pelican", "pencil", "penguin",
    "pepper", "piano", "picnic", "pigeon", "pillow", "planet", "pocket", "pony", "popcorn", "potato",
    "puddle", "pumpkin", "puppet", "puzzle", "quartz", "rabbit", "raccoon", "radish", "rainbow", "raisin",
    "raven", "ribbon", "river", "robin", "rocket", "rooster", "saddle", "saffron", "salmon", "sandal",
    "scarf", "seagull", "shadow", "sherbet", "silver", "slipper", "snowman", "spider", "spoon", "squirrel",
    "statue", "summer", "sunset", "swallow", "teapot", "temple", "thimble", "thistle", "thunder", "tiger",
    "timber", "toast", "tomato", "tractor", "trumpet", "tulip", "tunnel", "turtle", "umbrella", "valley",
    "vanilla", "velvet", "village", "violin", "volcano", "waffle", "walnut", "whistle", "willow", "window",
    "winter", "yoghurt", "zebra", "zipper",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::WORDS;

    #[test]
    fn no_word_stands_twice() {
        assert_eq!(WORDS.iter().collect::<BTreeSet<_>>().len(), 256);
        let is_word =
            |word: &str| (4..=9).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(WORDS.iter().all(|word| is_word(word)));
    }
}
