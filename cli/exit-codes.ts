/** Exit codes, and their meanings. */
export const exitCodes = {
  done: { code: 0, meaning: 'Done.' },
  unexpected: { code: 1, meaning: 'Unexpected error. Report it as a bug.' },
  usage: { code: 2, meaning: 'The command, an argument, or an option is not valid. Nothing was changed.' },
  notFound: { code: 3, meaning: 'The deployment, finding, poll, or hold does not exist.' },
  denied: { code: 4, meaning: 'AWS denied access: the caller lacks a policy.' },
  credentials: { code: 5, meaning: 'There are no credentials, or they have expired.' },
  unreachable: {
    code: 6,
    meaning:
      'After all retries, AWS could not be reached, or throttled the calls. Or the connection is not trusted, or something other than AWS answered.',
  },
  refused: {
    code: 7,
    meaning: 'Partly failed. The output gives the reason for each region, poll, or change.',
  },
  declined: { code: 8, meaning: 'Not confirmed. Nothing was done.' },
  attention: { code: 9, meaning: '`doctor` found something that needs to be fixed.' },
} as const;

export type ExitReason = keyof typeof exitCodes;
