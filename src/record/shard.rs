//! Which part of a load this process sends, where several send one load together.

use std::fmt;
use std::str::FromStr;

/// Shard `index` of `of`: the arrivals i, and the users u, whose number leaves that rest when
/// divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Below `of`.
    pub(crate) index: u32,
    /// At least 1.
    pub(crate) of: u32,
}

impl Shard {
    /// The whole load.
    pub(crate) const WHOLE: Self = Self { index: 0, of: 1 };

    /// Returns this shard's share of a number of things dealt out in turn.
    pub(crate) fn share(self, count: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        count / of + u64::from(count % of > index)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `I/N`. Whether one counts from 0 or from 1, N shards are the whole: I and I mod N are
    /// the same shard.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a shard; write it like `1/4`");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let index: u32 = index.trim().parse().map_err(|_| wrong())?;
        let of: u32 = of.trim().parse().map_err(|_| wrong())?;
        if of == 0 || index > of {
            return Err(wrong());
        }
        Ok(Self {
            index: index % of,
            of,
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_however_one_counts() {
        for shards in [["0/3", "1/3", "2/3"], ["1/3", "2/3", "3/3"]] {
            let mut found: Vec<u32> = shards.map(|it| it.parse::<Shard>().unwrap().index).into();
            found.sort_unstable();
            assert_eq!(found, [0, 1, 2]);
        }
        for wrong in ["", "1", "4/3", "1/0", "a/b", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
        assert_eq!("3/3".parse::<Shard>().unwrap().to_string(), "0/3");
    }

    #[test]
    fn shares_add_up() {
        for count in [0, 1, 7, 100] {
            let of = 3;
            let all = (0..of).map(|index| Shard { index, of }.share(count));
            assert_eq!(all.sum::<u64>(), count);
        }
        assert_eq!(Shard { index: 0, of: 3 }.share(7), 3);
        assert_eq!(Shard { index: 1, of: 3 }.share(7), 2);
    }
}
