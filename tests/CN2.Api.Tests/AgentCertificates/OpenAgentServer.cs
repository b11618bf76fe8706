using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>https, and no certificates of agents are asked for.</summary>
public sealed class OpenAgentServer(PrivatePostgres postgres) : AgentServer(postgres)
{
    protected override string Mode => "none";
}
