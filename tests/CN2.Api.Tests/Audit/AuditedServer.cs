using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Reconcile;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Audit;

/// <summary>The real server with the audit's log lines, which the test reads.</summary>
public sealed class AuditedServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    internal RecordedLog Log { get; } = new();

    protected override string[] Settings => ["--Logging:LogLevel:CN2.Api.Audit", "Information"];

    protected override void Replace(IServiceCollection services) => services.AddSingleton<ILoggerProvider>(Log);
}
