using System.Text.RegularExpressions;

namespace CN2.Api.Tests.Architecture;

/// <summary>
/// Who may know whom, read from the sources: a controller never sees a driver, a driver never sees the database, and EF is known only
/// to Data/ and to the classes that make a resource's decisions where its rows are.
/// </summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Api = Path.Combine(Repository.Root, "src", "CN2.Api");
    private static readonly string[] ResourceFolders =
        ["Namespaces", "ExternalNetworks", "ExternalNetworkSelectors", "Services", "FloatingIPs", "VirtualMachineInterfaces", "VirtualRouters", "BgpRouters", "ServiceHealthChecks"];

    [Fact]
    public void Resources_and_http_never_see_a_driver_or_the_reconciler() =>
        AssertNone([.. ResourceFolders, "Http", "Watch", "Events", "OpenApi"], "CN2.Api.Drivers", "CN2.Api.Reconcile");

    [Fact]
    public void Drivers_never_see_the_database_or_http() => AssertNone(["Drivers"], "CN2.Api.Data", "Microsoft.EntityFrameworkCore", "Npgsql", "CN2.Api.Http", "CN2.Api.Reconcile");

    [Fact]
    public void Http_knows_no_ef() => AssertNone(["Http", "OpenApi", "Observability", "Options"], "Microsoft.EntityFrameworkCore");

    [Fact]
    public void Contracts_validators_and_mappings_know_neither_ef_nor_sql()
    {
        var found = Sources(ResourceFolders).Where(f => ContractFile().IsMatch(Path.GetFileName(f)))
            .SelectMany(f => Usings(f).Where(u => u.StartsWith("Microsoft.EntityFrameworkCore", StringComparison.Ordinal) || u.StartsWith("Npgsql", StringComparison.Ordinal))
                .Select(u => $"{Path.GetRelativePath(Api, f)} uses {u}"));
        Assert.Empty(found);
    }

    [Fact]
    public void Pure_decisions_know_only_the_base_class_library()
    {
        var found = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "CN2.Network"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(f => Usings(f).Where(u => !u.StartsWith("System", StringComparison.Ordinal) && !u.StartsWith("CN2.Network", StringComparison.Ordinal))
                .Select(u => $"{f} uses {u}"));
        Assert.Empty(found);
    }

    private static void AssertNone(string[] folders, params string[] forbidden) => Assert.Empty(
        from file in Sources(folders)
        from used in Usings(file)
        where forbidden.Any(f => used == f || used.StartsWith(f + ".", StringComparison.Ordinal))
        select $"{Path.GetRelativePath(Api, file)} uses {used}");

    private static IEnumerable<string> Sources(string[] folders) => folders.Select(f => Path.Combine(Api, f)).Where(Directory.Exists)
        .SelectMany(f => Directory.EnumerateFiles(f, "*.cs", SearchOption.AllDirectories));

    private static IEnumerable<string> Usings(string file) => UsingLine().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value);

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex("(Contracts|Request|RequestValidator|Spec|Status|Mapping|Resource)\\.cs$")]
    private static partial Regex ContractFile();
}
