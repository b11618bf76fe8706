using System.Net;

namespace CN2.Api.Reconcile;

/// <summary>What agents report, as rows (docs/adr/0010-stores-behind-interfaces.md).</summary>
internal interface IAgentReportStore
{
    Task<(IPAddress Address, IPAddress? Address6)> ConnectAsync(
        string name, IPAddress address, IPAddress? address6, string version, string? overlayEngine, string controlNode, DateTimeOffset now, CancellationToken ct);

    Task DisconnectAsync(string controlNode, IReadOnlyCollection<string>? names, CancellationToken ct);

    Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct);

    Task SaveHealthAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct);

    Task MarkLostAsync(TimeSpan goneAfter, TimeSpan lostAfter, CancellationToken ct);
}
