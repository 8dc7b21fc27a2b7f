//! What the engine numbers, each with a type of its own, so that none is taken for another.

use std::ops::{Index, IndexMut};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) usize);

        impl<T> Index<$name> for Vec<T> {
            type Output = T;

            fn index(&self, id: $name) -> &T {
                &self[id.0]
            }
        }

        impl<T> IndexMut<$name> for Vec<T> {
            fn index_mut(&mut self, id: $name) -> &mut T {
                &mut self[id.0]
            }
        }
    };
}

id!(
    /// A stage that is sent to: its place in [`LoadPlan::stages`](super::LoadPlan).
    StageId
);
id!(
    /// What an arrival starts: its place in [`LoadPlan::scenarios`](super::LoadPlan).
    ScenarioId
);
id!(
    /// What has figures of its own: the stages, then the scenarios that are measured as a whole.
    TallyId
);
id!(
    /// A connection of one pool, as long as it is open; the number is given again afterwards.
    ConnectionId
);
id!(
    /// One of several requests that a connection carries at once.
    StreamId
);
