/**
 * Plans a large deployment in a local AWS (300 accounts, 6 regions, ten rules, 500 exemptions), and prints the time and memory of
 * its plans. Then it applies them, and plans one more account, and another mode of one account.
 *
 *     node scripts/bootstrap.mjs scripts/bench-plan.ts            rules are on for all accounts
 *     node scripts/bootstrap.mjs scripts/bench-plan.ts --named    rules are limited to named accounts, in `accounts`
 *
 * It exits with 1 if the number of resources grows with the accounts, or if one of these changes is more than one object or more
 * than 40 lines. Named accounts are also in the policy of each region's remediator role, so one more of them changes that, too.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ruleIds } from '../lambdas/rules/catalogue.ts';
import { startLab } from '../test/lab/index.ts';
import { prepareLocalAws } from '../test/lab/local-aws/index.ts';
import {
  copyProject,
  localAwsEnvironment,
  prepareTerraform,
  TerraformRoot,
} from '../test/lab/terraform/index.ts';
import { peakMemoryDuring } from './bench/peak-memory.ts';

const ACCOUNTS = 300;
const EXEMPTIONS = 500;
const MOST_LINES = 40;
const regions = ['eu-central-1', 'eu-west-1', 'eu-west-2', 'us-east-1', 'us-east-2', 'us-west-2'];
const isNamed = process.argv.includes('--named');
const say = (line: string) => process.stdout.write(`${line}\n`);
const folder = path.resolve(import.meta.dirname, `../.work/bench-plan-${process.pid}`);
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopped.abort());

const accountId = (index: number): string => String(200_000_000_000 + index);
const alias = (region: string): string => region.replaceAll('-', '_');

const rootText = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "rules" { type = any }
variable "account_groups" { type = map(set(string)) }
variable "accounts" { type = set(string) }

${regions
  .map(
    (region, index) =>
      `provider "aws" {\n${index === 0 ? '' : `  alias  = "${alias(region)}"\n`}  region = "${region}"\n}`,
  )
  .join('\n\n')}

module "central" {
  source          = "../modules/central"
  netskope_tenant = "acme"
  api_token       = "token"
  regions         = ${JSON.stringify(regions)}
  account_groups  = var.account_groups
  accounts        = var.accounts
  mode_by_group   = { production = "dry_run" }
  rules           = var.rules
}

${regions
  .map(
    (region, index) =>
      `module "${alias(region)}" {\n  source = "../modules/per-region"\n${index === 0 ? '' : `  providers = { aws = aws.${alias(region)} }\n`}  link = module.central.link\n}`,
  )
  .join('\n\n')}
`;

/** Accounts by group, two thirds of them in production. With `--named`, all rules are also limited to them. */
function accountsOf(count: number) {
  const ids = Array.from({ length: count }, (_, index) => accountId(index));
  return {
    account_groups: {
      production: ids.filter((_, index) => index % 3 !== 0),
      sandbox: ids.filter((_, index) => index % 3 === 0),
    },
    accounts: isNamed ? ids : [],
  };
}

/** The rules, with the exemptions distributed over them. */
function rulesOf(modes: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(
    ruleIds.map((id, place) => [
      id,
      {
        mode: 'enforce',
        mode_by_account: { [accountId(0)]: 'dry_run', ...(place === 0 && modes) },
        exemptions: Array.from({ length: EXEMPTIONS / ruleIds.length }, (_, index) => ({
          account: accountId(index),
          resource: `resource-${place}-${index}-*`,
          reason: `agreed in ticket ${place}-${index}`,
          owner: 'application team',
          expires: '2099-12-31',
        })),
      },
    ]),
  );
}

interface Planned {
  readonly resources: number;
  readonly lines: readonly string[];
}

let wrong = 0;
function expect(isSo: boolean, words: string): void {
  say(`${isSo ? 'ok   ' : 'WRONG'} ${words}`);
  if (!isSo) wrong += 1;
}

async function measured(
  what: string,
  root: TerraformRoot,
  variables: Record<string, unknown>,
): Promise<Planned> {
  const startedAt = Date.now();
  const { result, peakBytes } = await peakMemoryDuring(() => root.plan(variables));
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  const lines = result.text.split('\n');
  const from = lines.findIndex((line) => line.startsWith('Terraform will perform'));
  const resources = lines.filter((line) => /^ {2}# .* will be /.test(line)).length;
  const shown = from === -1 ? [] : lines.slice(from).filter((line) => line.trim() !== '');
  say(
    `${what}: ${resources} resources, ${shown.length} lines, ${seconds} s, ${Math.round(peakBytes / 2 ** 20)} MB`,
  );
  return { resources, lines: shown };
}

const installation = await prepareLocalAws(say);
const lab = await startLab({ installation, signal: stopped.signal });
try {
  const terraform = await prepareTerraform(say);
  await copyProject(folder);
  const directory = path.join(folder, 'bench');
  await mkdir(directory);
  await writeFile(path.join(directory, 'main.tf'), rootText);
  const root = new TerraformRoot(terraform, directory, {
    environment: localAwsEnvironment(lab.aws.endpoint, '111111111111'),
    logFile: `${folder}.log`,
    say,
    signal: stopped.signal,
  });
  await root.init();

  const few = await measured('3 accounts', root, { ...accountsOf(3), rules: rulesOf() });
  const all = { ...accountsOf(ACCOUNTS), rules: rulesOf() };
  const whole = await measured(`${ACCOUNTS} accounts`, root, all);
  expect(few.resources === whole.resources, 'resources do not grow with accounts');

  await root.apply(all);
  const again = await measured('the same again', root, all);
  expect(again.resources === 0, 'a second plan is clean');

  const roles = isNamed ? regions.length : 0;
  const changes: readonly [string, string, number, Record<string, unknown>][] = [
    ['one more account', accountId(ACCOUNTS), 1 + roles, { ...all, ...accountsOf(ACCOUNTS + 1) }],
    ["one account's mode", accountId(7), 1, { ...all, rules: rulesOf({ [accountId(7)]: 'off' }) }],
  ];
  for (const [what, account, objects, variables] of changes) {
    const { resources, lines } = await measured(what, root, variables);
    say(lines.join('\n'));
    expect(
      resources === objects,
      `${what} is ${objects === 1 ? 'one object' : `one object and ${roles} roles' policies`}`,
    );
    // A changed policy has its own lines in the plan.
    expect(lines.length < MOST_LINES * objects, `${what} is under ${MOST_LINES * objects} lines`);
    expect(
      lines.some((line) => line.includes(account)),
      `${what} shows the account`,
    );
  }
} finally {
  stopped.abort();
  await lab.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = wrong === 0 ? 0 : 1;
