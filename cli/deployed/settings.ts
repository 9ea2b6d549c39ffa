import pLimit from 'p-limit';
import { describeError, isAwsError } from '../../lambdas/aws/errors.ts';
import type { Deployment } from '../../lambdas/model/deployment.ts';
import { SettingsError } from '../../lambdas/model/errors.ts';
import {
  ACCOUNTS_KEY,
  type AccountSettings,
  parseAccountSettings,
  parseRuleSettings,
  ruleSettingsKey,
  type Settings,
} from '../../lambdas/model/settings.ts';
import type { Clients } from '../aws/clients.ts';
import { GetObjectCommand, S3Client } from '../aws/s3.ts';

/** The number of rules whose settings are read in parallel. */
const RULES_AT_ONCE = 8;

interface ReadObject {
  readonly text: string;
  readonly version: string;
}

/** The settings bucket. */
export class DeployedSettings {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #owner: string;
  #accounts: Promise<ReadObject> | undefined;

  constructor(clients: Clients, { home_region: region, settings_bucket: bucket, account }: Deployment) {
    this.#client = clients.client(S3Client, region);
    this.#bucket = bucket;
    this.#owner = account;
  }

  /**
   * Reads the settings that apply to a rule.
   * @throws SettingsError if the remediators could not use them, either
   */
  async of(rule: string): Promise<Settings> {
    const [own, all] = await Promise.all([this.#read(ruleSettingsKey(rule)), this.#accountsObject()]);
    return {
      ...parseRuleSettings(rule, own.text),
      allRules: parseAccountSettings(all.text),
      versions: { rule: own.version, accounts: all.version },
    };
  }

  /** Reads the settings that apply to all rules. @throws SettingsError */
  async ofAllRules(): Promise<AccountSettings> {
    return parseAccountSettings((await this.#accountsObject()).text);
  }

  #accountsObject(): Promise<ReadObject> {
    this.#accounts ??= this.#read(ACCOUNTS_KEY);
    return this.#accounts;
  }

  async #read(Key: string): Promise<ReadObject> {
    try {
      const { Body, VersionId = 'null' } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key, ExpectedBucketOwner: this.#owner }),
      );
      return { text: (await Body?.transformToString()) ?? '', version: VersionId };
    } catch (error) {
      if (!isAwsError(error, 'NoSuchKey')) throw error;
      throw new SettingsError(`settings in ${Key} cannot be read: ${describeError(error)}`, { cause: error });
    }
  }
}

/** Reads the valid settings of rules, by rule. `cspm-remediation status` shows the problems of the others. */
export async function settingsOf(
  settings: Pick<DeployedSettings, 'of'>,
  rules: readonly string[],
): Promise<Map<string, Settings>> {
  const found = await pLimit(RULES_AT_ONCE).map(rules, async (rule) => {
    try {
      return await settings.of(rule);
    } catch (error) {
      if (error instanceof SettingsError) return undefined;
      throw error;
    }
  });
  return new Map(found.filter((each) => each !== undefined).map((each) => [each.rule, each]));
}
