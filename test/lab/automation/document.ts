/** Creates a client of the AWS SDK with which the execution makes its calls: in its region, under its role. */
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

/** The input of a step. */
export interface StepContext {
  /** Parameters by name, with their defaults. */
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
   * Runs the step.
   * @returns `again` if it waits for a state that has not been reached yet
   * @throws AssertionFailed, or the error that the service returned
   */
  readonly run: (context: StepContext) => Promise<'done' | 'again'>;
}

/** A failed assertion of a step. */
export class AssertionFailed extends Error {
  override name = 'AssertionFailed' as const;
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html */
export interface DocumentParameter {
  readonly description: string;
  /** A parameter without a default is required. */
  readonly default?: string;
  /** Describes what it expects, if the value is invalid. */
  readonly refuses: (value: string) => string | undefined;
}

/** An Automation document (runbook). */
export interface AutomationDocument {
  readonly name: string;
  /** Default: AWS's documents. */
  readonly version?: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly isAvailableIn: (region: string) => boolean;
  /** The role that it runs as; the empty string: its caller. Default: `AutomationAssumeRole`. */
  readonly roleOf?: (parameters: Readonly<Record<string, string>>) => string;
  /** The steps for these parameters, in order. */
  readonly steps: (parameters: Readonly<Record<string, string>>) => readonly Step[];
}

/** The version of all of AWS's documents here. AWS increases it at any time. */
export const DOCUMENT_VERSION = '1';

export const ROLE_PARAMETER = 'AutomationAssumeRole';

/** A parameter's `refuses` that checks a pattern of the document. */
export function unless(pattern: RegExp): DocumentParameter['refuses'] {
  return (value) => (pattern.test(value) ? undefined : `a value that matches ${pattern.source}`);
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-troubleshooting.html#automation-trbl-ar */
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/([\w+=,.@/-]+)$/;

export const requiredRole: DocumentParameter = {
  description: 'The role that allows Automation to act in its place.',
  refuses: unless(ROLE_ARN),
};
