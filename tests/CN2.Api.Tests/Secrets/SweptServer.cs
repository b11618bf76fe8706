using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes;
using CN2.Api.Tests.Reconcile;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Secrets;

/// <summary>The real server with both doors, everything that it logs, and a certificate for its key ring.</summary>
public sealed class SweptServer(PrivatePostgres postgres) : KubernetesServer(postgres)
{
    private readonly PrivatePostgres _postgres = postgres;
    private readonly SecretsCertificates _certificates = new();

    internal RecordedLog Log { get; } = new();

    protected override string[] Settings =>
    [
        .. base.Settings, "--Logging:LogLevel:Default", "Debug", "--Logging:LogLevel:Microsoft", "Debug", "--Logging:LogLevel:Npgsql", "Debug",
        "--Secrets:Certificate:Path", _certificates.Certificate("sweep"), "--Secrets:Certificate:KeyPath", _certificates.Key("sweep"),
    ];

    /// <summary>Every table, as an administrator's backup has it.</summary>
    public string Dump() => _postgres.Dump(ConnectionString, "--data-only", "--inserts");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _certificates.Dispose();
    }

    protected override void Replace(IServiceCollection services) => services.AddSingleton<ILoggerProvider>(Log);
}
