using System.Diagnostics;
using CN2.Api.Access;
using CN2.Api.Options;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tokens;
using Npgsql;

namespace CN2.Api.Tests.Tokens;

/// <summary><c>CN2.Api token …</c> at the database.</summary>
public sealed class TokenCommandTests(PrivatePostgres postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_token_is_made_with_its_role_binding_and_the_secret_is_alone_on_standard_output()
    {
        var database = await postgres.CreateDatabaseAsync();
        var (code, output, messages) = await RunAsync(database, "create", "--name", "admin", "--role", "admin");
        Assert.Equal(0, code);
        Assert.Matches("^cn2_[A-Za-z0-9_-]{43}\n$", output);
        Assert.StartsWith("Made API token admin and role binding admin: admin in all namespaces, without an end.", messages, StringComparison.Ordinal);
        Assert.DoesNotContain(output.Trim()[4..], messages, StringComparison.Ordinal);
        Assert.Equal(
            ["admin [{\"kind\": \"Token\", \"name\": \"admin\"}] admin *"],
            await RowsAsync(database, "SELECT name || ' ' || subjects || ' ' || role || ' ' || array_to_string(namespaces, ',') FROM role_binding"));
        Assert.Equal([Convert.ToHexStringLower(TokenSecret.Hash(output.Trim()))], await RowsAsync(database, "SELECT encode(secret_hash, 'hex') FROM api_token"));
    }

    [Fact]
    public async Task A_token_can_expire_and_be_of_some_namespaces()
    {
        var database = await postgres.CreateDatabaseAsync();
        var (code, _, messages) = await RunAsync(database, "create", "--name=portal", "--role=editor", "--expires-in=90d", "--namespaces", "ns1,ns2");
        Assert.Equal(0, code);
        Assert.Contains("editor in ns1, ns2, until ", messages, StringComparison.Ordinal);
        Assert.Equal(["editor ns1,ns2"], await RowsAsync(database, "SELECT role || ' ' || array_to_string(namespaces, ',') FROM role_binding"));
        Assert.Equal(["90"], await RowsAsync(database, "SELECT round(extract(epoch FROM expires_at - created_at) / 86400)::text FROM api_token"));
    }

    [Fact]
    public async Task A_name_that_is_taken_is_refused_and_nothing_is_half_made()
    {
        var database = await postgres.CreateDatabaseAsync();
        Assert.Equal(0, (await RunAsync(database, "create", "--name", "admin", "--role", "admin")).Code);
        var (code, output, messages) = await RunAsync(database, "create", "--name", "admin", "--role", "viewer");
        Assert.Equal((1, ""), (code, output));
        Assert.Equal("API token admin exists already; choose another name, or delete it first: CN2.Api token delete --name admin\n", messages);
        await RowsAsync(database, "UPDATE role_binding SET name = 'other'");
        (code, output, messages) = await RunAsync(database, "create", "--name", "other", "--role", "viewer");
        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith("Role binding other exists already", messages, StringComparison.Ordinal);
        Assert.Equal(["admin"], await RowsAsync(database, "SELECT name FROM api_token"));
    }

    [Fact]
    public async Task A_token_is_listed_and_deleted_with_the_role_binding_that_came_with_it()
    {
        var database = await postgres.CreateDatabaseAsync();
        await RunAsync(database, "create", "--name", "admin", "--role", "admin");
        await RunAsync(database, "create", "--name", "portal", "--role", "viewer", "--expires-in", "12h");
        var (code, output, _) = await RunAsync(database, "list");
        Assert.Equal(0, code);
        Assert.Matches(@"^NAME    CREATED +EXPIRES +LAST USED\nadmin   \d{4}-.{14}Z  never +never\nportal  \d{4}-.{14}Z  \d{4}-.{14}Z  never\n$", output);
        (code, _, var messages) = await RunAsync(database, "delete", "--name", "admin");
        Assert.Equal((0, "Deleted API token admin and its role binding admin.\n"), (code, messages));
        Assert.Equal(["portal"], await RowsAsync(database, "SELECT name FROM role_binding"));
        (code, _, messages) = await RunAsync(database, "delete", "--name", "admin");
        Assert.Equal((1, "There is no API token admin; CN2.Api token list shows those that there are.\n"), (code, messages));

        await RowsAsync(database, "UPDATE role_binding SET subjects = subjects || '[{\"kind\": \"User\", \"name\": \"alice\"}]'");
        Assert.Equal(0, (await RunAsync(database, "delete", "--name", "portal")).Code);
        Assert.Equal(["portal"], await RowsAsync(database, "SELECT name FROM role_binding")); // it names somebody else too
    }

    [Theory]
    [InlineData("", "The command token needs create, list or delete.")]
    [InlineData("make", "The command token has no 'make': it has create, list and delete.")]
    [InlineData("create", "token create needs --name NAME.|token create needs --role viewer, editor, operator or admin.")]
    [InlineData("create --name a --role root", "--role is 'root': expected viewer, editor, operator or admin.")]
    [InlineData("create --name a --role Admin", "--role is 'Admin': expected viewer, editor, operator or admin.")]
    [InlineData("create --name a --role admin --namespaces ns1", "--namespaces is 'ns1': role admin is of all namespaces; leave --namespaces out.")]
    [InlineData("create --name a --role admin --expires-in 90", "--expires-in is '90': expected days, hours or minutes such as 90d, 12h or 30m.")]
    [InlineData("create --name a --role admin --expires-in 0d", "--expires-in is '0d': expected days, hours or minutes such as 90d, 12h or 30m.")]
    [InlineData("create --name a --role admin --expires-in -1d", "--expires-in is '-1d': expected days, hours or minutes such as 90d, 12h or 30m.")]
    [InlineData("create --name a --name b --role admin", "--name is given twice.")]
    [InlineData("create --role admin --name", "--name has no value.|token create needs --name NAME.")]
    [InlineData("delete", "token delete needs --name NAME.")]
    [InlineData("delete --name a --role admin", "token delete has no --role.")]
    [InlineData("list --name a", "token list has no --name.")]
    public void What_is_not_understood_is_named(string line, string faults)
    {
        Assert.Null(TokenCommandLine.Read(line.Split(' ', StringSplitOptions.RemoveEmptyEntries), out var found));
        Assert.Equal(faults.Split('|'), found);
    }

    [Fact]
    public void Other_options_are_settings()
    {
        var read = TokenCommandLine.Read(["create", "--ConnectionStrings:CN2", "Host=x", "--name", "a", "--role", "viewer", "--Database:Migrate=false"], out _)!;
        Assert.Equal(["--ConnectionStrings:CN2", "Host=x", "--Database:Migrate=false"], read.Settings);
    }

    /// <summary>As a process, with nothing but the connection string: no router id, and a certificate that is not there does not matter.</summary>
    [Fact]
    public async Task The_program_needs_the_connection_string_only_and_makes_the_schema()
    {
        var database = await postgres.CreateEmptyDatabaseAsync();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CN2.Api.dll"), "token", "create", "--name", "admin", "--role", "admin"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ConnectionStrings__CN2"] = database, ["Http__Url"] = "https://*:8443", ["Auth__Mode"] = "none" },
        };
        using var process = Process.Start(start)!;
        var messages = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, await messages);
        Assert.Matches("^cn2_[A-Za-z0-9_-]{43}\n$", output);

        var (code, none, refusal) = await RunAsync(await postgres.CreateEmptyDatabaseAsync(), "list", "--Database:Migrate", "false");
        Assert.Equal((1, ""), (code, none));
        Assert.Equal("The database has not the tables of this version, and Database__Migrate is false: run CN2.Api migrate first.\n", refusal);
    }

    [Fact]
    public async Task Without_a_connection_string_it_says_so()
    {
        var e = await Assert.ThrowsAsync<SettingsException>(() => RunAsync("", "list"));
        Assert.StartsWith("ConnectionStrings__CN2 is not set", Assert.Single(e.Faults), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Messages)> RunAsync(string database, params string[] args)
    {
        await using var output = new StringWriter();
        await using var messages = new StringWriter();
        var code = await TokenCommand.RunAsync([.. args, "--ConnectionStrings:CN2", database], output, messages, Token);
        return (code, output.ToString(), messages.ToString());
    }

    private static async Task<List<string>> RowsAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var rows = new List<string>();
        while (await reader.ReadAsync(Token)) rows.Add(reader.GetString(0));
        return rows;
    }
}
