using CN2.Api.Tests.Fixtures;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;

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
