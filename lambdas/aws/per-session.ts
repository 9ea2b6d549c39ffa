import type { AwsSession } from './session.ts';

/** Creates a function that returns one value per session, which it creates at the first call for that session. */
export function perSession<Value extends object>(
  create: (session: AwsSession) => Value,
): (session: AwsSession) => Value {
  const values = new WeakMap<AwsSession, Value>();
  return (session) => {
    const value = values.get(session) ?? create(session);
    values.set(session, value);
    return value;
  };
}
