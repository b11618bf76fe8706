using System.Text;
using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Kubernetes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Access;

/// <summary>
/// The real server with both doors, where a request says with the header <see cref="Header"/> who sends it (a user, and after a comma its groups). Without the
/// header it is anonymous, who may do everything. There are the namespaces ns1 and ns2, and for each role a user that has it.
/// </summary>
public class RoleServer(PrivatePostgres postgres) : KubernetesServer(postgres), IAsyncLifetime
{
    public const string Header = "Test-Caller";

    /// <summary>The users, and what their role binding gives them.</summary>
    public static readonly IReadOnlyList<(string User, string? Role, string Namespace)> Users =
    [
        ("nobody", null, ""), ("viewer1", "viewer", "ns1"), ("editor1", "editor", "ns1"), ("viewer", "viewer", "*"), ("editor", "editor", "*"), ("operator", "operator", "*"), ("admin", "admin", "*"),
    ];

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await InitializeAsync();
        foreach (var ns in new[] { "ns1", "ns2" }) (await PutAsync($"/v1/namespaces/{ns}", "{}")).Expect(201);
        foreach (var (user, role, ns) in Users.Where(u => u.Role is not null)) await BindAsync(user, role!, ns);
    }

    /// <summary>Makes or changes the role binding of this name, of the user of the same name.</summary>
    public async Task BindAsync(string user, string role, params string[] namespaces)
    {
        var answer = await PutAsync($"/v1/role-bindings/{user}", new { subjects = new[] { new { kind = "User", name = user } }, role, namespaces });
        Assert.True(answer.Status is 200 or 201, answer.Text);
    }

    public Task<Reply> SendAsAsync(string user, HttpMethod method, string path, object? body = null) => SendAsync(method, path, body, (Header, user));

    public Task<Reply> GetAsAsync(string user, string path) => SendAsAsync(user, HttpMethod.Get, path);

    /// <summary>Sends without waiting for the end of the answer: a watch has none.</summary>
    public static async Task<HttpResponseMessage> BeginAsync(HttpClient client, string user, HttpMethod method, string path, string? body = null, string mediaType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add(Header, user);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, mediaType);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>The same answer of the Kubernetes API, read whole.</summary>
    public async Task<(int Status, string Text)> KubernetesAsync(string user, HttpMethod method, string path, string? body = null)
    {
        using var response = await BeginAsync(Kubernetes, user, method, path, body);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    protected override void Replace(IServiceCollection services) => services.AddSingleton<IStartupFilter, CallerOfHeader>();

    internal sealed class CallerOfHeader : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((http, rest) =>
            {
                if (http.Request.Headers[Header].ToString().Split(',') is [{ Length: > 0 } user, .. var groups]) http.Features.Set(new Caller(CallerKind.User, user, groups));
                return rest(http);
            });
            next(app);
        };
    }
}
