using CN2.Network.Compilation;

namespace CN2.Api.Tests.Architecture;

/// <summary>
/// Which folder may know which, read from the compiled types: a controller never sees a driver, a driver never sees the database, and no
/// folders know each other in a circle (docs/adr/0008-folders.md).
/// </summary>
public sealed class ArchitectureTests
{
    private static readonly FolderGraph Api = FolderGraph.Of(typeof(ApiHost).Assembly);

    private static readonly string[] ResourceFolders =
    [
        "CN2.Api.Namespaces", "CN2.Api.ExternalNetworks", "CN2.Api.ExternalNetworkSelectors", "CN2.Api.Services", "CN2.Api.FloatingIPs",
        "CN2.Api.VirtualMachineInterfaces", "CN2.Api.VirtualRouters", "CN2.Api.BgpRouters", "CN2.Api.ServiceHealthChecks", "CN2.Api.ControlNodes",
        "CN2.Api.Tokens",
    ];

    private static readonly string[] Databases = ["Microsoft.EntityFrameworkCore", "Npgsql"];

    [Fact]
    public void The_folders_of_the_server_have_no_cycle() => Assert.Empty(Api.Cycles());

    [Fact]
    public void The_folders_of_the_decision_library_have_no_cycle() => Assert.Empty(FolderGraph.Of(typeof(NetworkState).Assembly).Cycles());

    /// <summary>Guards the reader of compiled types: these uses are real.</summary>
    [Fact]
    public void The_graph_sees_known_uses()
    {
        Assert.Contains("CN2.Api.Reconcile", Api.Folders);
        Assert.NotEmpty(Api.Uses(["CN2.Api.Services"], "CN2.Api.FloatingIPs")); // a type
        Assert.NotEmpty(Api.Uses(["CN2.Api.Data"], "Npgsql")); // a library
        Assert.NotEmpty(Api.Uses(["CN2.Api.Http"], "CN2.Api.Data")); // a method body alone
    }

    [Fact]
    public void Resources_and_HTTP_use_neither_a_driver_nor_the_reconciler() =>
        Assert.Empty(Api.Uses([.. ResourceFolders, "CN2.Api.Http", "CN2.Api.Writes", "CN2.Api.Watch", "CN2.Api.Events", "CN2.Api.OpenApi"], "CN2.Api.Drivers", "CN2.Api.Reconcile"));

    [Fact]
    public void Drivers_use_neither_the_database_nor_HTTP() =>
        Assert.Empty(Api.Uses(["CN2.Api.Drivers"], [.. Databases, "CN2.Api.Data", "CN2.Api.Writes", "CN2.Api.Http", "CN2.Api.Reconcile"]));

    [Fact]
    public void HTTP_and_the_reconciler_do_not_use_EF() =>
        Assert.Empty(Api.Uses(["CN2.Api.Http", "CN2.Api.OpenApi", "CN2.Api.Observability", "CN2.Api.Options", "CN2.Api.Reconcile"], "Microsoft.EntityFrameworkCore"));

    [Fact]
    public void Contracts_validators_and_mappings_use_neither_EF_nor_SQL() =>
        Assert.Empty(Api.Uses(
            t => ResourceFolders.Contains(t.Namespace) && new[] { "Request", "RequestValidator", "Spec", "Status", "Mapping", "Resource" }.Any(t.Name.EndsWith), Databases));
}
