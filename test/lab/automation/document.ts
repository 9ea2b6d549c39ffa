/** Makes a client of the AWS SDK whose calls are the execution's: of its region, under its role. */
export type MakeClient = <C>(Client: new (settings: ClientSettings) => C) => C;

export interface ClientSettings {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** All that a step has to go by. */
export interface StepContext {
  /** Parameters by name; those that weren't given have their default. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly client: MakeClient;
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html */
export type StepAction =
  | 'aws:branch'
  | 'aws:executeAwsApi'
  | 'aws:waitForAwsResourceProperty'
  | 'aws:assertAwsResourceProperty';

export interface Step {
  readonly name: string;
  readonly action: StepAction;
  /** The call that it makes: `UpdateTrail`. */
  readonly api?: string;
  /**
   * Does the step.
   * @returns `again` where it waits for something that isn't yet so
   * @throws AssertionFailed, or what the service answered
   */
  readonly run: (context: StepContext) => Promise<'done' | 'again'>;
}

/** A step's assertion that isn't so. */
export class AssertionFailed extends Error {
  override name = 'AssertionFailed' as const;
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html */
export interface DocumentParameter {
  readonly description: string;
  /** A parameter without a default is required. */
  readonly default?: string;
  /** Names what it expects, in words, where the value isn't it. */
  readonly refuses: (value: string) => string | undefined;
}

/** An Automation document (runbook). */
export interface AutomationDocument {
  readonly name: string;
  /** Default: that of AWS's. */
  readonly version?: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly isAvailableIn: (region: string) => boolean;
  /** The role that it works as; the empty string: whoever starts it. Default: what `AutomationAssumeRole` says. */
  readonly roleOf?: (parameters: Readonly<Record<string, string>>) => string;
  /** The steps on the way that these parameters take, in order. */
  readonly steps: (parameters: Readonly<Record<string, string>>) => readonly Step[];
}

/** Every document of AWS has had one version here; AWS raises the number as it likes. */
export const DOCUMENT_VERSION = '1';

export const ROLE_PARAMETER = 'AutomationAssumeRole';

/** A parameter's `refuses`, by a pattern of the document. */
export function unless(pattern: RegExp): DocumentParameter['refuses'] {
  return (value) => (pattern.test(value) ? undefined : `a value that matches ${pattern.source}`);
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-troubleshooting.html#automation-trbl-ar */
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/([\w+=,.@/-]+)$/;

export const requiredRole: DocumentParameter = {
  description: 'The role that allows Automation to act in its place.',
  refuses: unless(ROLE_ARN),
};
