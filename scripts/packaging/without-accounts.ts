import type { Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** Clients of the services that rules read and change in accounts. */
export const accountClients =
  /[\\/]lambdas[\\/]aws[\\/](cloudcontrol|cloudformation|cloudtrail|cloudwatch-logs|ec2|iam|rds|redshift|s3-control|tagging)\.ts$/;

/**
 * Leaves these clients out of the command line, which describes changes but never makes them, because no role allows people to.
 * They would be more than half of the program, and each start would read them.
 */
export const withoutAccounts: Plugin = {
  name: 'without-accounts',
  setup(build) {
    build.onLoad({ filter: accountClients }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`the command line does not call accounts: ${path.split(/[\\/]/).at(-1)}`)});`,
    }));
  },
};
