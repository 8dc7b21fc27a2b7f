//! A TCP connection, and on Linux, for how long the kernel had what a read returns: a delay that no
//! other clock of a client can see, and by which a late read is stamped as if it had not been late.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::link::Lag;

/// A connection that can be asked for the kernel's own receive times.
pub(crate) struct Received {
    tcp: TcpStream,
    clock: Option<KernelClock>,
    watch: Watch,
    /// Whether the next read was asked to tell.
    is_asked: bool,
}

/// Which reads of a connection tell how long the kernel had what they return: that costs most of a
/// µs a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Never,
    /// Those that are asked to, as they may be late.
    Asked,
    /// Each, so that it is learned how late they are.
    Always,
}

impl Received {
    pub(crate) const fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            clock: None,
            watch: Watch::Never,
            is_asked: false,
        }
    }

    /// Asks the kernel to stamp what it receives on this connection; where it cannot, nothing
    /// changes.
    pub(crate) fn watch(&mut self, watch: Watch) {
        self.watch = watch;
        self.clock = match watch {
            Watch::Never => None,
            Watch::Asked | Watch::Always => KernelClock::on(&self.tcp),
        };
    }

    /// Has the reads until the next [`Received::take_lag`] tell, where the connection is watched.
    pub(crate) const fn ask_lag(&mut self) {
        self.is_asked = true;
    }

    pub(crate) fn tcp(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }

    /// Returns for how long the kernel had held the newest bytes of the reads since the last call.
    pub(crate) fn take_lag(&mut self) -> Option<Lag> {
        self.is_asked = false;
        Some(Lag {
            ns: self.clock.as_mut()?.lag.take()?,
            is_sample: self.watch == Watch::Always,
        })
    }
}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tells = self.is_asked || self.watch == Watch::Always;
        match self.clock.as_mut().filter(|_| tells) {
            None => self.tcp.read(buffer),
            Some(clock) => clock.read(&self.tcp, buffer),
        }
    }
}

impl Write for Received {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.tcp.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Reads with the kernel's stamps (`SO_TIMESTAMPING`, software, which loopback has too). They are
/// of the wall clock, which is therefore read right after each read.
#[cfg(target_os = "linux")]
struct KernelClock {
    space: Vec<u8>,
    lag: Option<u64>,
}

#[cfg(target_os = "linux")]
impl KernelClock {
    fn on(tcp: &TcpStream) -> Option<Self> {
        use nix::sys::socket::{TimestampingFlag, Timestamps, setsockopt, sockopt};
        let wanted = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE
            | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
        setsockopt(tcp, sockopt::Timestamping, &wanted).ok()?;
        Some(Self {
            space: nix::cmsg_space!(Timestamps),
            lag: None,
        })
    }

    fn read(&mut self, tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        use std::os::fd::AsRawFd as _;

        use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
        let mut pieces = [io::IoSliceMut::new(buffer)];
        let space = Some(self.space.as_mut_slice());
        let message = tcp.try_io(|| {
            let flags = MsgFlags::empty();
            Ok(recvmsg::<()>(tcp.as_raw_fd(), &mut pieces, space, flags)?)
        })?;
        let received = message.cmsgs().ok().into_iter().flatten();
        let received = received.filter_map(|it| match it {
            ControlMessageOwned::ScmTimestampsns(stamps) => Some(stamps.system),
            _ => None,
        });
        for stamp in received {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
            let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
            let lag = ns(now.tv_sec, now.tv_nsec) - ns(stamp.tv_sec(), stamp.tv_nsec());
            // A wall clock that was set back in between says nothing.
            if let Ok(lag) = u64::try_from(lag) {
                self.lag = Some(lag);
            }
        }
        Ok(message.bytes)
    }
}

#[cfg(not(target_os = "linux"))]
struct KernelClock {
    lag: Option<u64>,
}

#[cfg(not(target_os = "linux"))]
impl KernelClock {
    const fn on(_tcp: &TcpStream) -> Option<Self> {
        None
    }

    fn read(&mut self, tcp: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut tcp = tcp;
        tcp.read(buffer)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A connection that is watched, and its other end.
    fn watched(watch: Watch) -> (Received, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = std::net::TcpStream::connect(listener.local_addr().expect("its port"))
            .expect("a connection");
        let (far, _) = listener.accept().expect("a connection");
        near.set_nonblocking(true).expect("no waiting");
        let mut received = Received::new(TcpStream::from_std(near));
        received.watch(watch);
        let error = received.read(&mut [0; 16]).expect_err("nothing was sent");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        // The kernel begins to stamp a moment after it was first asked.
        std::thread::sleep(Duration::from_millis(20));
        (received, far)
    }

    #[test]
    fn what_lay_in_the_kernel_is_seen_to_have_lain_there() {
        let (mut received, mut far) = watched(Watch::Always);
        let mut buffer = [0; 16];
        for (wait_ms, text) in [(30, b"one"), (0, b"two")] {
            far.write_all(text).unwrap();
            let mut ready = |received: &mut Received| loop {
                std::thread::sleep(Duration::from_millis(wait_ms));
                if let Ok(count) = received.read(&mut buffer) {
                    return count;
                }
            };
            assert_eq!(ready(&mut received), 3);
            let lag = received.take_lag().expect("loopback has software stamps");
            assert!(lag.ns >= wait_ms * 1_000_000, "{lag:?}");
            assert!(lag.ns < 20_000_000_000, "{lag:?}");
            assert!(lag.is_sample);
            assert_eq!(received.take_lag(), None);
        }
        drop(far);
        assert_eq!(received.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn only_a_read_that_was_asked_tells() {
        let (mut received, mut far) = watched(Watch::Asked);
        let mut told = Vec::new();
        for is_asked in [false, true, false] {
            far.write_all(b"one").unwrap();
            if is_asked {
                received.ask_lag();
            }
            while received.read(&mut [0; 16]).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
            told.push(received.take_lag().map(|it| it.is_sample));
        }
        assert_eq!(told, [None, Some(false), None]);
        let (mut received, mut far) = watched(Watch::Never);
        far.write_all(b"one").unwrap();
        received.ask_lag();
        while received.read(&mut [0; 16]).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(received.take_lag(), None);
    }
}
