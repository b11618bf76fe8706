using CN2.Api.Kubernetes.Forms;

namespace CN2.Api.Tests.Kubernetes.Forms;

public sealed class NegotiationTests
{
    private const string Table = "application/json;as=Table;v=v1;g=meta.k8s.io";

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("*/*")]
    [InlineData("application/*")]
    [InlineData("application/json")]
    [InlineData("Application/JSON; charset=utf-8")]
    [InlineData("application/vnd.kubernetes.protobuf,application/json")]
    [InlineData("application/json;as=Lamp;v=v1;g=meta.k8s.io,application/json")]
    [InlineData("application/json;as=Table;v=v9;g=meta.k8s.io,application/json")]
    [InlineData("application/json;as=Table;v=v1;g=elsewhere.io,application/json")]
    [InlineData("application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5,application/json")]
    [InlineData("application/json;as=Table;v=v1;g=meta.k8s.io;q=0,application/json;q=0.1")]
    [InlineData(";;,,=,application/json")]
    public void An_object_is_whole(string? accept) => Assert.Equal(new ObjectForm.Whole(), Negotiation.FormOf(accept));

    [Theory]
    [InlineData(Table + ",application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")]
    [InlineData("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io, " + Table + ", application/json")]
    [InlineData("application/json;q=0.9," + Table)]
    public void A_table_is_what_kubectl_asks_for(string accept) => Assert.Equal(new ObjectForm.Table("v1", RowObject.Object), Negotiation.FormOf(accept, RowObject.Object));

    [Theory]
    [InlineData("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1,application/json", "v1")]
    [InlineData("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1", "v1beta1")]
    public void Metadata_alone_is_what_garbage_collectors_ask_for(string accept, string version) => Assert.Equal(new ObjectForm.Metadata(version), Negotiation.FormOf(accept));

    [Theory]
    [InlineData("application/vnd.kubernetes.protobuf")]
    [InlineData("application/xml, text/*")]
    [InlineData("application/json;q=0")]
    [InlineData("application/json;as=Lamp;v=v1;g=meta.k8s.io")]
    public void A_client_that_takes_nothing_of_ours_gets_nothing(string accept) => Assert.Null(Negotiation.FormOf(accept));

    [Theory]
    [InlineData(null, "Metadata")]
    [InlineData("Metadata", "Metadata")]
    [InlineData("Object", "Object")]
    [InlineData("None", "None")]
    [InlineData("object", null)]
    public void What_rows_include(string? query, string? expected) => Assert.Equal(expected, Negotiation.IncludeOf(query)?.ToString());
}
