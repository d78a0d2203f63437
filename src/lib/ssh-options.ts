/**
 * Options for every call of the system's ssh client: keys only, host keys checked, nothing forwarded, no prompt. ssh uses
 * the first value of an option, so no later one can override these.
 */
export const SSH_OPTIONS: readonly string[] = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'PreferredAuthentications=publickey',
  'PasswordAuthentication=no',
  'KbdInteractiveAuthentication=no',
  'ClearAllForwardings=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'NoHostAuthenticationForLocalhost=no',
  'VerifyHostKeyDNS=no',
  'UpdateHostKeys=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'ForkAfterAuthentication=no',
];
