using System.Collections.Concurrent;
using System.Net;
using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Authentication;

/// <summary>
/// The real server that asks callers who they are, with both doors. It notes for each request whom it took for its sender, and takes the request's
/// source address from the header <see cref="CallerServer.Header"/>.
/// </summary>
public class AskingServer(PrivatePostgres postgres) : ApiServer(postgres)
{
    private const string RequestHeader = "Test-Request";

    private readonly ConcurrentDictionary<string, Caller> _callers = new();

    /// <summary>Of an API token that may do everything.</summary>
    public string AdminToken { get; private set; } = null!;

    /// <summary>Whom the server took for the sender of the last request that it answered; null: nobody.</summary>
    public Caller? Last { get; private set; }

    public Uri Rest => Address(0);

    public Uri Kubernetes => Address(2);

    protected override string[] Settings => ["--Auth:Mode", "required", "--Kubernetes:Url", "http://127.0.0.1:0"];

    protected override async Task<string> DatabaseAsync()
    {
        var database = await base.DatabaseAsync();
        AdminToken = await TokenAsync(database, "admin");
        return database;
    }

    /// <summary>The secret that <c>CN2.Api token create</c> prints.</summary>
    public static async Task<string> TokenAsync(string database, string name, params string[] more)
    {
        await using var output = new StringWriter();
        await using var messages = new StringWriter();
        string[] role = more.Contains("--role") ? [] : ["--role", "admin"];
        var code = await TokenCommand.RunAsync(["create", "--name", name, .. role, .. more, "--ConnectionStrings:CN2", database, "--Database:Migrate", "false"], output, messages, TestContext.Current.CancellationToken);
        Assert.True(code == 0, messages.ToString());
        return output.ToString().TrimEnd('\n');
    }

    /// <summary>Lets a user or a group do everything.</summary>
    public static async Task AllowAsync(string database, string kind, string name)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(
            """
            INSERT INTO role_binding (uid, name, created_at, updated_at, subjects, role, namespaces)
            VALUES (gen_random_uuid(), $1, now(), now(), jsonb_build_array(jsonb_build_object('kind', $2::text, 'name', $3::text)), 'admin', '{*}')
            """);
        command.Parameters.Add(new() { Value = $"{kind}-{Guid.NewGuid():n}".ToLowerInvariant() });
        command.Parameters.Add(new() { Value = kind });
        command.Parameters.Add(new() { Value = name });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>GET with these headers; several of one name are sent as several.</summary>
    public async Task<Asked> AskAsync(Uri uri, params (string Name, string Value)[] headers)
    {
        var id = Guid.NewGuid().ToString();
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Add(RequestHeader, id);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new Asked((int)answer.StatusCode, string.Join(", ", answer.Headers.WwwAuthenticate), answer.Content.Headers.ContentType?.MediaType, text, _callers.GetValueOrDefault(id));
    }

    public Task<Asked> AskAsync(string path, params (string Name, string Value)[] headers) => AskAsync(new Uri(Rest, path), headers);

    /// <summary>GET of all namespaces with a bearer token.</summary>
    public Task<Asked> WithTokenAsync(string token) => AskAsync("/v1/namespaces", ("Authorization", $"Bearer {token}"));

    protected override void Replace(IServiceCollection services) => services.AddSingleton<IStartupFilter>(new Notes(_callers, caller => Last = caller));

    private Uri Address(int port) => new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(port));

    /// <param name="Caller">Whom the server took for the sender; null: nobody.</param>
    public sealed record Asked(int Status, string Challenge, string? ContentType, string Text, Caller? Caller)
    {
        /// <summary>401 with exactly this reason, and nothing of it anywhere else.</summary>
        public void IsRefused(string reason)
        {
            Assert.True(Status == 401, $"expected 401, got {Status}: {Text}");
            Assert.Equal($"Bearer realm=\"CN2\", error=\"invalid_token\", error_description=\"{reason}\"", Challenge);
            Assert.DoesNotContain(reason, Text, StringComparison.Ordinal);
            Assert.Null(Caller);
        }

        public Caller IsFrom(CallerKind kind, string name)
        {
            Assert.True(Status == 200, $"expected 200, got {Status}: {Challenge} {Text}");
            Assert.Equal((kind, name), (Caller?.Kind, Caller?.Name));
            return Caller!;
        }
    }

    private sealed class Notes(ConcurrentDictionary<string, Caller> callers, Action<Caller?> last) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (http, rest) =>
            {
                if (IPAddress.TryParse(http.Request.Headers[CallerServer.Header].ToString(), out var address)) http.Connection.RemoteIpAddress = address;
                // Before the answer is sent, because its client reads the note then.
                http.Response.OnStarting(() =>
                {
                    last(http.Features.Get<Caller>());
                    if (http.Features.Get<Caller>() is { } caller) callers[http.Request.Headers[RequestHeader].ToString()] = caller;
                    return Task.CompletedTask;
                });
                await rest(http);
            });
            next(app);
        };
    }
}
