//! The program as its users have it: the built binary against real servers on loopback. A topic a file; `kit` holds what
//! the stories are told with.

#[cfg(test)]
mod access;
#[cfg(test)]
mod add;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod config;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fetched;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod paces;
#[cfg(test)]
mod politeness;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod queue_rules;
#[cfg(test)]
mod run;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sinks;
#[cfg(test)]
mod smtp_faults;
#[cfg(test)]
mod status_words;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod updates;
#[cfg(test)]
mod when_asked;
