using System.Text.RegularExpressions;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Services;

/// <summary>
/// The benchmark compares the API with pgbench that sends the same transaction. The comparison is honest only while the script of
/// pgbench has the statements of the product.
/// </summary>
public sealed partial class CreateServiceStatementsTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private static readonly string Script = Repository.PathOf("bench", "CN2.Bench", "Scenarios", "create-service.sql");

    [Fact]
    public async Task The_script_of_pgbench_sends_the_statements_of_a_POST_of_a_service()
    {
        (await api.PostAsync("/v1/namespaces/default/external-networks", """
            {"name":"vn","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.0.0.0/16"}],"fabricForwarding":true}
            """)).Expect(201);
        await CreateServiceAsync("first"); // reads the catalog and fills the pools
        using var log = new StatementLog();
        await CreateServiceAsync("second", ("traceparent", log.TraceParent));
        Assert.Equal(["BEGIN", .. log.Statements.Select(ShapeOf), "COMMIT"], ScriptShapes());
    }

    /// <summary>The Service that the benchmark's clients create.</summary>
    private async Task CreateServiceAsync(string name, params (string, string)[] headers) => (await api.PostAsync(
        "/v1/namespaces/default/services",
        $$"""{"name":"{{name}}","selector":{"app":"bench"},"ports":[{"name":"http","protocol":"TCP","port":8080,"targetPort":80}],"allocateLoadBalancerNodePorts":false}""",
        headers)).Expect(201);

    private static IEnumerable<string> ScriptShapes() =>
        StatementEnd().Split(CommentOrCommand().Replace(File.ReadAllText(Script), "")).Select(ShapeOf).Where(s => s.Length > 0);

    /// <summary>
    /// A statement without its values: the product sends parameters where the script has arrays and now(). Of a SELECT, the columns are
    /// left out too: pgbench takes only one row, so the script folds the addresses into one.
    /// </summary>
    private static string ShapeOf(string statement)
    {
        var shape = Space().Replace(Value().Replace(statement, "$"), " ").Trim();
        return Columns().Replace(shape, "SELECT FROM ");
    }

    [GeneratedRegex(@"^(--|\\).*$", RegexOptions.Multiline)]
    private static partial Regex CommentOrCommand();

    [GeneratedRegex(@";|\\gset")]
    private static partial Regex StatementEnd();

    [GeneratedRegex(@"\$\d+|ARRAY\[[^\]]*\](::\w+\[\])?|now\(\)")]
    private static partial Regex Value();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("^SELECT .* FROM ")]
    private static partial Regex Columns();
}
