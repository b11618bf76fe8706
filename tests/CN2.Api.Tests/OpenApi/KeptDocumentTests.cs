using CN2.Api.OpenApi;
using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CN2.Api.Tests.OpenApi;

/// <summary>To make the document takes a tenth of a second of a processor, and everybody may ask for it.</summary>
public sealed class KeptDocumentTests(KeptDocumentTests.Server api) : IClassFixture<KeptDocumentTests.Server>
{
    [Fact]
    public async Task The_document_is_made_once_and_a_client_that_has_it_gets_304()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.GetAsync("/openapi/v1.json")));
        Assert.All(answers, a => Assert.Equal(answers[0].Text, a.Expect(200).Text));
        Assert.StartsWith("application/json", answers[0].ContentType, StringComparison.Ordinal);
        Assert.Equal(1, api.Made);
        Assert.Equal("", (await api.SendAsync(HttpMethod.Get, "/openapi/v1.json", null, ("If-None-Match", answers[0].ETag!))).Expect(304).Text);
        (await api.SendAsync(HttpMethod.Get, "/openapi/v1.json", null, ("If-None-Match", "\"another\""))).Expect(200);
        Assert.Equal(1, api.Made);
    }

    [Fact]
    public async Task A_document_that_could_not_be_made_is_made_by_the_next_request()
    {
        var provider = new Provider();
        var document = new KeptDocument(provider);
        await Assert.ThrowsAsync<InvalidOperationException>(() => document.WriteAsync(new DefaultHttpContext()));
        var http = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        await document.WriteAsync(http);
        await document.WriteAsync(new DefaultHttpContext { Response = { Body = new MemoryStream() } });
        Assert.Equal((200, 2), (http.Response.StatusCode, provider.Asked));
        Assert.True(http.Response.Body.Length > 0);
    }

    /// <summary>Fails the first time.</summary>
    private sealed class Provider : IOpenApiDocumentProvider
    {
        public int Asked { get; private set; }

        public Task<OpenApiDocument> GetOpenApiDocumentAsync(CancellationToken cancellationToken = default) =>
            ++Asked == 1 ? Task.FromException<OpenApiDocument>(new InvalidOperationException("not yet")) : Task.FromResult(new OpenApiDocument { Info = new OpenApiInfo { Title = "t", Version = "1" } });
    }

    /// <summary>Counts how often the document is made.</summary>
    public sealed class Server(PrivatePostgres postgres) : ApiServer(postgres)
    {
        private int _made;

        public int Made => _made;

        protected override void Replace(IServiceCollection services) => services.Configure<OpenApiOptions>("v1", options => options.AddDocumentTransformer((_, _, _) =>
        {
            Interlocked.Increment(ref _made);
            return Task.CompletedTask;
        }));
    }
}
