/** Why the server cannot start. The message is for the operator: what, why, what next. */

/** Something outside the configuration: a port or a socket that is taken, a directory that cannot be written. Exit code 5. */
export class CannotServe extends Error {
  override readonly name: string = 'CannotServe';
}

/** Another server has the port. It may go away: then this one can serve. */
export class PortTaken extends CannotServe {
  override readonly name = 'PortTaken';
}
