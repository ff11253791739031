//! The REST API over real sockets: status, fields and bytes of every path and method.

mod asterisk;
mod auth;
mod broker;
mod bus;
mod configs;
mod devices;
mod general;
mod rows;
mod site;
mod synchronize;
mod tenants;
mod tls;
mod tokens;
mod watch;
mod wazo;
