"""
Sessions of missing roles, which LocalEmu issues and AWS refuses. This server refuses them if configured, except for the role
that AWS Organizations creates in each member account, which Terraform assumes: it need not be created here.
"""

import os

from localemu.aws.handlers.service_plugin import ServiceLoader

MADE_BY_ORGANIZATIONS = "OrganizationAccountAccessRole"


def refusing(provider):
    resolve = provider._resolve_role

    def resolve_or_refuse(account_id, role_arn):
        role = resolve(account_id, role_arn)
        if role is None and role_arn.split("/")[-1] != MADE_BY_ORGANIZATIONS:
            raise provider.CommonServiceException(
                code="AccessDenied",
                message=f"User is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                status_code=403,
            )
        return role

    return resolve_or_refuse


def install():
    """Must be called before LocalEmu starts, and before `first_use`, which makes sure that a service is loaded once."""
    if os.environ.get("LOCAL_MISSING_ROLES") != "refused":
        return
    require_service = ServiceLoader.require_service

    def require_patched(self, chain, context, response):
        require_service(self, chain, context, response)
        if context.service is not None and context.service.service_name == "sts":
            from localemu.services.sts import provider

            provider._resolve_role = refusing(provider)

    ServiceLoader.require_service = require_patched
