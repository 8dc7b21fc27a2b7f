//! The monotonic timestamps of one attempt, and the latencies that follow from them.

/// Nanoseconds since the start of the run, on one monotonic clock. `None` where the attempt did not
/// get so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamps {
    /// When the request was due (open loop), or when the user was ready again (closed loop).
    pub(crate) intended: u64,
    /// When the engine took it up.
    pub(crate) dequeued: u64,
    /// When a connection was ready for it.
    pub(crate) conn_ready: Option<u64>,
    /// When the first request byte was handed to the kernel.
    pub(crate) send_start: Option<u64>,
    /// When the kernel had taken the last request byte.
    pub(crate) sent: Option<u64>,
    /// The read that returned the first response byte.
    pub(crate) first_byte: Option<u64>,
    /// The read that returned the first non-empty content (text, reasoning, or tool call).
    pub(crate) first_content: Option<u64>,
    /// The read that returned the first content of the answer itself, apart from its reasoning.
    pub(crate) first_answer: Option<u64>,
    /// The read that returned the last content.
    pub(crate) last_content: Option<u64>,
    /// The end of the response.
    pub(crate) end: Option<u64>,
}

impl Stamps {
    /// `dequeued − intended`, in ns.
    pub(crate) const fn schedule_lag(&self) -> u64 {
        self.dequeued.saturating_sub(self.intended)
    }

    /// `conn_ready − dequeued`, in ns: waiting for a connection.
    pub(crate) fn conn_wait(&self) -> Option<u64> {
        Some(self.conn_ready?.saturating_sub(self.dequeued))
    }

    /// `last_content − intended`, in ns: waiting in the client counts.
    pub(crate) fn response_time(&self) -> Option<u64> {
        Some(self.last_content?.saturating_sub(self.intended))
    }

    /// `last_content − send_start`, in ns.
    pub(crate) fn service_time(&self) -> Option<u64> {
        Some(self.last_content?.saturating_sub(self.send_start?))
    }

    /// `first_content − send_start`, in ns.
    pub(crate) fn ttft(&self) -> Option<u64> {
        Some(self.first_content?.saturating_sub(self.send_start?))
    }

    /// `first_answer − send_start`, in ns.
    pub(crate) fn ttfa(&self) -> Option<u64> {
        Some(self.first_answer?.saturating_sub(self.send_start?))
    }

    /// `first_content − intended`, in ns.
    pub(crate) fn ttft_sched(&self) -> Option<u64> {
        Some(self.first_content?.saturating_sub(self.intended))
    }

    /// (`last_content − first_content`) / (N − 1), in ns, for N ≥ 2 output tokens; not known where
    /// the content came in one read.
    pub(crate) fn tpot(&self, output_tokens: u64) -> Option<u64> {
        let span = self.last_content?.saturating_sub(self.first_content?);
        (output_tokens >= 2 && span > 0).then(|| span / (output_tokens - 1))
    }
}
