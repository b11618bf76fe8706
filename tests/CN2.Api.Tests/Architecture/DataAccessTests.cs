using System.Text.RegularExpressions;

namespace CN2.Api.Tests.Architecture;

/// <summary>The rules of docs/adr/0007-ef-or-sql.md, read from the sources.</summary>
public sealed partial class DataAccessTests
{
    private static readonly string Api = Path.Combine(Repository.Root, "src", "CN2.Api");

    [Fact]
    public void Plain_resources_do_not_use_the_SQL_driver() => Assert.Empty(
        from folder in new[] { "Namespaces", "ExternalNetworkSelectors", "ServiceHealthChecks", "VirtualRouters", "BgpRouters" }
        from file in Sources(folder)
        where File.ReadAllText(file).Contains("Npgsql", StringComparison.Ordinal)
        select Path.GetRelativePath(Api, file));

    [Fact]
    public void Hot_resources_use_EF_only_in_controllers_for_pages() => Assert.Empty(
        from folder in new[] { "Services", "FloatingIPs", "VirtualMachineInterfaces" }
        from file in Sources(folder)
        where !file.EndsWith("Controller.cs", StringComparison.Ordinal)
        let text = File.ReadAllText(file)
        where text.Contains("EntityFrameworkCore", StringComparison.Ordinal) || text.Contains("scope.Db", StringComparison.Ordinal)
        select Path.GetRelativePath(Api, file));

    [Fact]
    public void Only_ChangeList_inserts_into_the_change_feed() =>
        Assert.Equal([Path.Combine("Data", "ChangeList.cs")], Sources("").Where(f => InsertIntoChange().IsMatch(File.ReadAllText(f))).Select(f => Path.GetRelativePath(Api, f)));

    [Fact]
    public void Only_the_transaction_runner_begins_a_write_of_a_resource() => Assert.Empty(
        from folder in new[] { "Namespaces", "ExternalNetworks", "ExternalNetworkSelectors", "Services", "FloatingIPs", "VirtualMachineInterfaces", "VirtualRouters", "BgpRouters", "ServiceHealthChecks", "ControlNodes" }
        from file in Sources(folder)
        where File.ReadAllText(file).Contains("BeginTransaction", StringComparison.Ordinal)
        select Path.GetRelativePath(Api, file));

    /// <summary>It reads the first row, and what fails or times out behind it is lost: <c>Sql.ScalarAsync</c> reads to the end.</summary>
    [Fact]
    public void Nobody_reads_a_scalar_without_reading_to_the_end() => Assert.Empty(
        from file in Sources("")
        where File.ReadAllText(file).Contains("ExecuteScalarAsync(", StringComparison.Ordinal)
        select Path.GetRelativePath(Api, file));

    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(Path.Combine(Api, folder), "*.cs", SearchOption.AllDirectories);

    [GeneratedRegex(@"INSERT\s+INTO\s+change\b(?!_)|\.Changes\.Add(Range)?\(", RegexOptions.IgnoreCase)]
    private static partial Regex InsertIntoChange();
}
