using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace CN2.Api.Tests.Audit;

/// <summary><c>X-Request-Id</c>, and the lines of the log that have it.</summary>
public sealed class RequestIdTests(AuditedServer api) : IClassFixture<AuditedServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("portal-7", true)]
    [InlineData("0190c2f4-7bdc-7c6b-9f8e-1f3f9a8f0c11", true)]
    [InlineData("'; DROP TABLE audit; --", false)] // a blank
    [InlineData("a\tb", false)]
    [InlineData("<script>", true)] // text, wherever it is shown
    [InlineData("", false)]
    public async Task An_id_of_visible_ASCII_is_taken_and_anything_else_replaced(string given, bool isTaken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/namespaces");
        request.Headers.TryAddWithoutValidation("X-Request-Id", given);
        using var response = await api.Client.SendAsync(request, Token);
        var answered = Assert.Single(response.Headers.GetValues("X-Request-Id"));
        if (isTaken) Assert.Equal(given, answered);
        else Assert.Matches("^[0-9a-f]{32}$", answered);
    }

    [Fact]
    public async Task An_id_that_is_too_long_or_there_twice_is_replaced()
    {
        Assert.Matches("^[0-9a-f]{32}$", await AnsweredAsync($"X-Request-Id: {new string('a', 129)}\r\n"));
        Assert.Equal(new string('a', 128), await AnsweredAsync($"X-Request-Id: {new string('a', 128)}\r\n"));
        Assert.Matches("^[0-9a-f]{32}$", await AnsweredAsync("X-Request-Id: a\r\nX-Request-Id: b\r\n"));
        Assert.Matches("^[0-9a-f]{32}$", await AnsweredAsync(""));
    }

    [Fact]
    public async Task Errors_have_it_too()
    {
        foreach (var path in (string[])["/v1/nothing", "/v1/namespaces/none", "/v1/services?limit=x"])
        {
            using var response = await api.Client.GetAsync(path, Token);
            Assert.False(response.IsSuccessStatusCode);
            Assert.Single(response.Headers.GetValues("X-Request-Id"));
        }
    }

    [Fact]
    public async Task Each_entry_is_a_line_of_JSON_in_the_log_once_the_write_counts()
    {
        (await api.PostAsync("/v1/namespaces", """{"name":"logged"}""", ("X-Request-Id", "line-1"))).Expect(201);
        (await api.PostAsync("/v1/namespaces", """{"name":"logged"}""", ("X-Request-Id", "line-2"))).Expect(409);
        await Eventually.TrueAsync(() => Lines().Count() == 2);
        Assert.Equal(["line-1 201 ", "line-2 409 already-exists"], Lines().Select(l => $"{l["requestId"]} {l["status"]} {l["code"]}"));
    }

    private IEnumerable<JsonNode> Lines() =>
        api.Log.Lines.Where(l => l.Text.StartsWith('{') && l.Text.Contains("\"line-", StringComparison.Ordinal)).Select(l => JsonNode.Parse(l.Text)!);

    /// <summary>Byte for byte, which no client library would send.</summary>
    private async Task<string> AnsweredAsync(string header)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Client.BaseAddress!.Host, api.Client.BaseAddress.Port, Token);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"GET /v1/namespaces HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{header}\r\n"), Token);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(Token);
        return answer.Split("\r\n").Single(l => l.StartsWith("X-Request-Id: ", StringComparison.Ordinal))["X-Request-Id: ".Length..];
    }
}
