//! What a thread and the process ask of the scheduler and of the limits on descriptors.

use std::io;

/// Pins the calling thread to the `core`th of the processors that it may run on, counted round.
/// Returns the number of the processor.
///
/// # Errors
/// What `sched_getaffinity(2)` and `sched_setaffinity(2)` say.
pub fn pin_to_core(core: usize) -> io::Result<usize> {
    let bytes = size_of::<libc::cpu_set_t>();
    // SAFETY: `cpu_set_t` is an array of integers, for which zero is a value.
    let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `allowed` is writable and `bytes` long; 0 names the calling thread.
    if unsafe { libc::sched_getaffinity(0, bytes, &raw mut allowed) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let processors = 8 * bytes;
    // SAFETY: the number is below the set's size.
    let is_allowed = |&processor: &usize| unsafe { libc::CPU_ISSET(processor, &allowed) };
    let count = (0..processors).filter(is_allowed).count();
    let chosen = (0..processors).filter(is_allowed).nth(core % count.max(1));
    let chosen = chosen.ok_or_else(|| io::Error::other("no processor is allowed"))?;
    // SAFETY: as above.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `chosen` is below the set's size.
    unsafe { libc::CPU_SET(chosen, &mut one) };
    // SAFETY: `one` is readable and `bytes` long.
    if unsafe { libc::sched_setaffinity(0, bytes, &raw const one) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(chosen)
}

/// Raises the soft limit on descriptors to the hard one, and returns it. The kernel bounds a ring's
/// table of direct descriptors by the same limit, though they do not count against it.
///
/// # Errors
/// What `getrlimit(2)` and `setrlimit(2)` say.
pub fn raise_descriptor_limit() -> io::Result<usize> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: `limit` is readable.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

/// Files that this process makes from now on are its user's alone: they hold credentials.
pub fn make_files_private() {
    // SAFETY: the call takes a number and cannot fail.
    unsafe { libc::umask(0o077) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted_round() {
        let turn = std::thread::spawn(|| {
            let first = pin_to_core(0).expect("pinned");
            // One processor is allowed now, so that every core is this one.
            (first, pin_to_core(7).expect("pinned"))
        });
        let (first, seventh) = turn.join().expect("no panic");
        assert_eq!(first, seventh);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let raised = raise_descriptor_limit().expect("raised");
        assert_eq!(raise_descriptor_limit().expect("raised"), raised);
        assert!(raised > 0);
    }
}
