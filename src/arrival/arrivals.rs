//! The arrivals of a load, as a process made them of its keys.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::curve::{Curve, Flat};
use super::gaps::Gaps;
use super::timing::{Length, Timing};
use super::users::Users;
use crate::error::Result;
use crate::measure::Rate;

/// When the requests of a load are sent.
pub(crate) trait Arrivals: fmt::Debug + Send + Sync {
    /// Returns them in words: `20/s`, `8 users`.
    fn show(&self) -> String;

    /// Returns them as they are stored with the run, in the keys of the manifest.
    fn document(&self) -> Value;

    /// Resolves them; `folder` is where relative paths begin.
    fn timing(&self, folder: &Path) -> Result<Timing>;

    /// Returns how the gaps between arrivals are drawn: even where none are drawn.
    fn gaps(&self) -> Gaps {
        Gaps::Even
    }

    /// Returns the rate at the beginning, per second; `None` where there is no rate.
    fn first_rate(&self) -> Option<f64> {
        None
    }

    /// Returns the users of a closed loop; `None` in an open loop.
    fn users(&self) -> Option<Users> {
        None
    }

    /// Returns how long a load is that does not say it; `None` where it must.
    fn length(&self) -> Option<Length> {
        None
    }
}

/// Arrivals at times that do not depend on the answers.
#[derive(Debug)]
pub(super) struct Open<C> {
    pub(super) gaps: Gaps,
    pub(super) curve: Arc<C>,
    pub(super) length: Option<Length>,
}

/// Returns arrivals at one rate for ever.
pub(crate) fn at(gaps: Gaps, rate: Rate) -> Arc<dyn Arrivals> {
    Open::boxed(gaps, Flat(rate.per_second()))
}

impl<C: Curve + 'static> Open<C> {
    /// Returns arrivals with those gaps, as long as the load says.
    pub(super) fn boxed(gaps: Gaps, curve: C) -> Arc<dyn Arrivals> {
        Arc::new(Self {
            gaps,
            curve: Arc::new(curve),
            length: None,
        })
    }
}

impl<C: Curve + 'static> Arrivals for Open<C> {
    fn show(&self) -> String {
        self.curve.show()
    }

    fn document(&self) -> Value {
        let mut document = self.curve.document(self.gaps.word());
        if let Some(cv) = self.gaps.cv() {
            document["cv"] = json!(cv);
        }
        document
    }

    fn timing(&self, _: &Path) -> Result<Timing> {
        let curve: Arc<C> = Arc::clone(&self.curve);
        Ok(Timing::Drawn {
            gaps: self.gaps,
            curve,
        })
    }

    fn gaps(&self) -> Gaps {
        self.gaps
    }

    fn first_rate(&self) -> Option<f64> {
        Some(self.curve.rate_at(0.0))
    }

    fn length(&self) -> Option<Length> {
        self.length
    }
}
