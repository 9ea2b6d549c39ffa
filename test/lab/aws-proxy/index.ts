export { type AwsAnswer, bodyText, withBody } from './answer.ts';
export type { AwsCall, Principal, Protocol, ProxiedCall } from './call.ts';
export { awsError, commonErrorAnswer } from './error-answers.ts';
export { agedAccessKeys, type Effect, type Fault, seededChance } from './faults.ts';
export { type LaggingReads, laggingReads } from './lagging-reads.ts';
export {
  type AwsProxy,
  type AwsProxyOptions,
  countCalls,
  type Injection,
  type Intercept,
  startAwsProxy,
} from './proxy.ts';
export { documentedThrottles } from './throttles.ts';
