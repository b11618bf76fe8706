using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>The agents' CA is the company's, below its root, and has issued the server's certificate as well.</summary>
public sealed class CompanyCaServer(PrivatePostgres postgres) : AgentServer(postgres)
{
    private readonly TemporaryDirectory _directory = new("cn2-company-");

    protected override string[] Settings
    {
        get
        {
            var (path, keyPath) = (Path.Combine(_directory.Path, "agents-ca.pem"), Path.Combine(_directory.Path, "agents-ca.key"));
            File.WriteAllText(path, Authority.IntermediatePem + "\n" + Authority.RootPem);
            File.WriteAllText(keyPath, Authority.IntermediateKeyPem);
            return [.. base.Settings, "--Agents:Ca:Path", path, "--Agents:Ca:KeyPath", keyPath];
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }
}
